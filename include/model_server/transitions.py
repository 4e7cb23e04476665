"""The thread that loads and unloads, a step of each model at a time, and the pools that it may give the work to."""

import logging
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from include.model_server.errors import as_status
from include.model_server.registry import Closing, Registry, Version
from include.model_server.versions import State, next_step

PERIOD = 0.1
"""Seconds between two looks at what should be loaded or unloaded."""

log = logging.getLogger("model_server")


@dataclass
class Options:
    """The flags that concern loading. Times in seconds; a negative poll never looks, 0 looks once."""

    poll_seconds: float = 1.0
    retries: int = 5
    retry_seconds: float = 60.0
    labels_ahead: bool = False
    """--allow_version_labels_for_unavailable_models"""
    load_threads: int = 0
    unload_threads: int = 0


class Transitions:
    """Brings the registry's versions to where they are wanted. `loader(model, version, path)` makes a loaded model or raises.

    `first` is set during the first config, whose models are loaded side by side; later ones follow the options, where 0
    threads means this one, which then does nothing else while it loads, retries included.
    """

    def __init__(self, registry: Registry, loader: Callable[[str, int, Path], Closing], options: Options) -> None:
        self._registry = registry
        self._loader = loader
        self._options = options
        self._stopping = threading.Event()
        self._at_first: Executor | None = ThreadPoolExecutor(4 * (os.cpu_count() or 1), "first-loads")
        self._loads = ThreadPoolExecutor(options.load_threads, "loads") if options.load_threads > 0 else None
        self._unloads = ThreadPoolExecutor(options.unload_threads, "unloads") if options.unload_threads > 0 else None
        self._thread = threading.Thread(target=self._work, name="transitions", daemon=True)

    def start(self) -> None:
        """Begin to load and unload."""
        self._thread.start()

    def first_is_over(self) -> None:
        """The models of the first config are up."""
        self._at_first = None

    def stop(self) -> None:
        """Load nothing more. What is loaded goes with the process."""
        self._stopping.set()

    def _work(self) -> None:
        while not self._stopping.is_set():
            if not self._one_round():
                with self._registry.changed:
                    self._registry.changed.wait(PERIOD)

    def _one_round(self) -> bool:
        """One step of each model. Returns whether there was anything to do."""
        busy = False
        for name in list(self._registry.models):
            with self._registry.changed:
                model = self._registry.models[name]
                untried = {number for number, one in model.versions.items() if one.state == State.START}
                step = next_step(model.aspired, untried, set(self._registry.ready(name)))
            if step:
                busy = True
                version = model.versions[step[1]]
                if step[0] == "load":
                    self._registry.enter(version, State.LOADING)
                    _do(self._at_first or self._loads, self._load, version)
                else:
                    self._registry.enter(version, State.UNLOADING)
                    _do(self._unloads, self._unload, version)
        return busy

    def _load(self, version: Version) -> None:
        log.info("loading %s version %d", version.model, version.number)
        for left in range(self._options.retries, -1, -1):
            try:
                version.loaded = self._loader(version.model, version.number, version.path)
            except Exception as error:
                log.error("could not load %s version %d: %s", version.model, version.number, as_status(error))
                if left and self._pause(version):
                    continue
                version.error = as_status(error)
                self._registry.enter(version, State.END)
                return
            self._registry.enter(version, State.AVAILABLE)
            log.info("%s version %d is available", version.model, version.number)
            return

    def _pause(self, version: Version) -> bool:
        """Wait before the next try. Returns False when the version is not wanted any more."""
        until = time.monotonic() + max(self._options.retry_seconds, 0)
        while time.monotonic() < until and not self._stopping.wait(PERIOD):
            if version.number not in self._registry.models[version.model].aspired:
                return False
        return not self._stopping.is_set()

    def _unload(self, version: Version) -> None:
        with self._registry.changed:
            self._registry.changed.wait_for(lambda: version.users == 0 or self._stopping.is_set())
        if version.loaded and not self._stopping.is_set():
            version.loaded.close()
            version.loaded = None
        self._registry.enter(version, State.END)
        log.info("%s version %d is unloaded", version.model, version.number)


def _do(pool: Executor | None, work: Callable[[Version], None], version: Version) -> None:
    if pool:
        pool.submit(work, version)
    else:
        work(version)
