"""What shall be served: configs are accepted or refused as a whole, and the version directories are looked at again and again.

Three callers meet in the registry: polls say what is wanted, transitions load and unload, and requests borrow what is ready.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from include.model_server.config import ModelSpec, check_platforms, check_unchanged
from include.model_server.errors import Code, StatusError
from include.model_server.registry import Closing, Model, Registry
from include.model_server.transitions import PERIOD, Options, Transitions
from include.model_server.versions import scan

log = logging.getLogger("model_server")

__all__ = ["Manager", "Options"]


class Manager:
    """Loads what the config and the directories ask for. `loader(model, version, path)` makes a loaded model or raises."""

    def __init__(self, loader: Callable[[str, int, Path], Closing], options: Options) -> None:
        self._options = options
        self._registry = Registry()
        self._transitions = Transitions(self._registry, loader, options)
        self._reloads = threading.Lock()
        self._stopping = threading.Event()
        self.borrow, self.versions, self.resolve = self._registry.borrow, self._registry.versions, self._registry.resolve

    def start(self) -> None:
        """Begin to poll, load and unload."""
        self._transitions.start()
        threading.Thread(target=self._polls, name="version-poll", daemon=True).start()

    def stop(self) -> None:
        """Load nothing more. What is loaded goes with the process."""
        self._stopping.set()
        self._transitions.stop()
        with self._registry.changed:
            self._registry.changed.notify_all()

    def reload(self, specs: Mapping[str, ModelSpec], first: bool = False) -> None:
        """Serve exactly these models. Returns when each new one has a version that answers.

        Args:
            first: this is the config of the start, which loads side by side and whose failure has words of its own.

        Raises:
            StatusError: the config is refused and nothing changed (INVALID_ARGUMENT, FAILED_PRECONDITION), or a new
                model could not be loaded (UNKNOWN).
        """
        with self._reloads:
            with self._registry.changed:
                new = self._accept(specs)
            self.poll()
            try:
                self._wait_for(new, "servable(s)" if first else "model(s)")
            finally:
                self._transitions.first_is_over()

    def poll(self) -> None:
        """Look at the version directories once. If one base path is missing, nothing changes for any model."""
        with self._registry.changed:
            specs = {name: model.spec for name, model in self._registry.models.items()}
        try:
            found = {name: scan(spec.base_path) if spec else {} for name, spec in specs.items()}
        except OSError as error:
            log.error("could not look for versions, nothing changes: %s", error)
            return
        with self._registry.changed:
            for name, model in self._registry.models.items():
                if name in found and specs[name] == model.spec:
                    self._registry.aspire(name, found[name])
            self._registry.changed.notify_all()

    def _accept(self, specs: Mapping[str, ModelSpec]) -> set[str]:
        """Check in the order of TF Serving, then take the config; the names of the models that are new."""
        now = {name: model.spec for name, model in self._registry.models.items() if model.spec}
        check_unchanged(now, specs)
        self._check_labels(specs)
        check_platforms(specs.values())
        self._registry.labels = {name: dict(spec.labels) for name, spec in specs.items() if spec.labels}
        models = self._registry.models
        for name, model in models.items():
            model.spec = specs.get(name)
        for name, spec in specs.items():
            models.setdefault(name, Model(spec)).spec = spec
        return set(specs) - set(now)

    def _check_labels(self, specs: Mapping[str, ModelSpec]) -> None:
        for name, spec in specs.items():
            for label, version in spec.labels.items():
                in_use = self._registry.labels.get(name, {}).get(label, version) != version
                if version not in self._registry.ready(name) and (in_use or not self._options.labels_ahead):
                    raise StatusError(
                        Code.FAILED_PRECONDITION,
                        f"Request to assign label to version {version} of model {name}, "
                        "which is not currently available for inference",
                    )

    def _wait_for(self, names: set[str], what: str) -> None:
        """Until each has something that answers, or has failed wholly."""
        registry = self._registry
        while not self._stopping.is_set():
            with registry.changed:
                waiting = [name for name in names if not registry.ready(name)]
                failed = [name for name in waiting if registry.models[name].failed]
                if len(failed) == len(waiting):
                    break
                registry.changed.wait(PERIOD)
        else:
            return
        if failed:
            reasons = "".join(self._reasons(failed))
            raise StatusError(Code.UNKNOWN, f"{len(failed)} {what} did not become available: {{{reasons}}}")

    def _reasons(self, names: list[str]) -> Iterable[str]:
        for name in names:
            for one in self._registry.models[name].versions.values():
                if one.error:
                    yield f"{{{{name: {one.model} version: {one.number}}} due to error: {one.error}}}, "

    def _polls(self) -> None:
        seconds = self._options.poll_seconds
        while seconds > 0 and not self._stopping.wait(seconds):
            self.poll()
