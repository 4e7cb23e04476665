"""What is loaded: versions on their way from a directory to an answer and back, and the labels that point at them.

Three callers meet here: the poll of the version directories says what is wanted, one thread of transitions loads and
unloads a step at a time, and requests borrow what is ready. Publication is the swap of one dictionary.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from include.model_server.config import ModelSpec, check_platforms
from include.model_server.errors import Code, StatusError, as_status, invalid
from include.model_server.versions import State, next_step, scan, wanted

PERIOD = 0.1
"""Seconds between two looks at what should be loaded or unloaded."""

log = logging.getLogger("model_server")


class Closing(Protocol):
    """A loaded model, as far as the manager cares."""

    def close(self) -> None: ...


@dataclass
class Version:
    """One version of one model.

    `users` counts requests in flight, which an unload waits for; `dropped` says that it was not wanted at some poll
    since, so that it is tried anew when it comes back.
    """

    model: str
    number: int
    path: Path
    state: State = State.START
    error: StatusError | None = None
    loaded: Closing | None = None
    users: int = 0
    dropped: bool = False

    @property
    def over(self) -> bool:
        return self.state == State.END


@dataclass
class Options:
    """The flags that concern loading. Times in seconds; a negative poll never looks, 0 looks once."""

    poll_seconds: float = 1.0
    retries: int = 5
    retry_seconds: float = 60.0
    labels_ahead: bool = False
    """--allow_version_labels_for_unavailable_models"""


@dataclass
class _Model:
    spec: ModelSpec | None
    aspired: set[int] = field(default_factory=set)
    versions: dict[int, Version] = field(default_factory=dict)


class Manager:
    """Loads what the config and the directories ask for. `loader(model, version, path)` makes a loaded model or raises."""

    def __init__(self, loader: Callable[[str, int, Path], Closing], options: Options) -> None:
        self._loader = loader
        self._options = options
        self._changed = threading.Condition()
        self._reloads = threading.Lock()
        self._models: dict[str, _Model] = {}
        self._ready: dict[str, dict[int, Version]] = {}
        self._labels: dict[str, dict[str, int]] = {}
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._transitions, name="transitions", daemon=True),
            threading.Thread(target=self._polls, name="version-poll", daemon=True),
        ]

    def start(self) -> None:
        """Begin to poll, load and unload."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Load nothing more. What is loaded goes with the process."""
        self._stopping.set()
        with self._changed:
            self._changed.notify_all()

    def reload(self, specs: Mapping[str, ModelSpec]) -> None:
        """Serve exactly these models. Returns when each new one has a version that answers.

        Raises:
            StatusError: the config is refused and nothing changed (INVALID_ARGUMENT, FAILED_PRECONDITION), or a new
                model could not be loaded (UNKNOWN).
        """
        with self._reloads:
            with self._changed:
                now = {name: model.spec for name, model in self._models.items() if model.spec}
                check_platforms(now, specs)
                self._check_labels(specs)
                self._labels = {name: dict(spec.labels) for name, spec in specs.items() if spec.labels}
                for name, model in self._models.items():
                    model.spec = specs.get(name)
                for name, spec in specs.items():
                    self._models.setdefault(name, _Model(spec)).spec = spec
            self.poll()
            self._wait_for(set(specs) - set(now))

    def poll(self) -> None:
        """Look at the version directories once. If one base path is missing, nothing changes for any model."""
        with self._changed:
            specs = {name: model.spec for name, model in self._models.items()}
        try:
            found = {name: scan(spec.base_path) if spec else {} for name, spec in specs.items()}
        except OSError as error:
            log.error("could not look for versions, nothing changes: %s", error)
            return
        with self._changed:
            for name, model in self._models.items():
                if name in found and specs[name] == model.spec:
                    self._aspire(name, model, found[name])
            self._changed.notify_all()

    @contextlib.contextmanager
    def borrow(self, model: str, version: int | None = None, label: str | None = None) -> Iterator[Version]:
        """A version that is ready, kept loaded while the block lasts; without version and label the highest one.

        Raises:
            StatusError: NOT_FOUND, or INVALID_ARGUMENT for an unknown label.
        """
        entry = self._take(model, version, label)
        try:
            yield entry
        finally:
            with self._changed:
                entry.users -= 1
                if entry.state == State.UNLOADING:
                    self._changed.notify_all()

    def versions(self, model: str, version: int | None = None) -> list[Version]:
        """What is known of a model's versions, the highest first. Raises StatusError NOT_FOUND."""
        with self._changed:
            known = self._models[model].versions if model in self._models else {}
            found = [known[number] for number in sorted(known, reverse=True) if version in (None, number)]
        if not found:
            what = f"version {version} of model {model}" if version is not None and known else f"any versions of model {model}"
            raise StatusError(Code.NOT_FOUND, f"Could not find {what}")
        return found

    def resolve(self, model: str, label: str) -> int:
        """The version of a label. Raises StatusError INVALID_ARGUMENT."""
        try:
            return self._labels[model][label]
        except KeyError:
            raise invalid(f"Unrecognized servable version label: {label}") from None

    def _take(self, model: str, version: int | None, label: str | None) -> Version:
        with self._changed:
            number = self.resolve(model, label) if label else version
            ready = self._ready.get(model, {})
            number = max(ready, default=None) if number is None else number
            entry = ready.get(number) if number is not None else None
            if entry is None:
                asked = f"Latest({model})" if number is None else f"Specific({model}, {number})"
                raise StatusError(Code.NOT_FOUND, f"Servable not found for request: {asked}")
            entry.users += 1
            return entry

    def _check_labels(self, specs: Mapping[str, ModelSpec]) -> None:
        for name, spec in specs.items():
            for label, version in spec.labels.items():
                in_use = self._labels.get(name, {}).get(label, version) != version
                if version not in self._ready.get(name, {}) and (in_use or not self._options.labels_ahead):
                    raise StatusError(
                        Code.FAILED_PRECONDITION,
                        f"Request to assign label to version {version} of model {name}, "
                        "which is not currently available for inference",
                    )

    def _aspire(self, name: str, model: _Model, found: Mapping[int, Path]) -> None:
        """Write down what is wanted now. A version that dropped out may be tried again when it comes back."""
        model.aspired = wanted(model.spec.policy, found) if model.spec else set()
        for number in model.aspired:
            known = model.versions.get(number)
            if known is None or (known.over and known.dropped):
                model.versions[number] = Version(name, number, found[number])
            elif known.state != State.UNLOADING:
                known.dropped = False
        for number in set(model.versions) - model.aspired:
            if model.versions[number].state == State.START:
                del model.versions[number]
            else:
                model.versions[number].dropped = True

    def _wait_for(self, names: set[str]) -> None:
        """Until each has something that answers, or has failed wholly."""
        while not self._stopping.is_set():
            with self._changed:
                open_ = [name for name in names if not self._ready.get(name)]
                failed = [name for name in open_ if self._failed(self._models[name])]
                if len(failed) == len(open_):
                    break
                self._changed.wait(PERIOD)
        else:
            return
        if failed:
            raise StatusError(Code.UNKNOWN, f"{len(failed)} model(s) did not become available: {self._reasons(failed)}")

    @staticmethod
    def _failed(model: _Model) -> bool:
        tried = [model.versions[number] for number in model.aspired if number in model.versions]
        return bool(tried) and all(version.over for version in tried)

    def _reasons(self, names: list[str]) -> str:
        ended = [version for name in names for version in self._models[name].versions.values() if version.error]
        parts = (f"{{{{name: {one.model} version: {one.number}}} due to error: {one.error}}}, " for one in ended)
        return "{" + "".join(parts) + "}"

    def _polls(self) -> None:
        seconds = self._options.poll_seconds
        while seconds > 0 and not self._stopping.wait(seconds):
            self.poll()

    def _transitions(self) -> None:
        while not self._stopping.is_set():
            if not self._one_round():
                with self._changed:
                    self._changed.wait(PERIOD)

    def _one_round(self) -> bool:
        """One step of each model. Returns whether there was anything to do."""
        busy = False
        for name in list(self._models):
            with self._changed:
                model = self._models[name]
                untried = {number for number, one in model.versions.items() if one.state == State.START}
                step = next_step(model.aspired, untried, set(self._ready.get(name, {})))
            if step:
                busy = True
                (self._load if step[0] == "load" else self._unload)(model.versions[step[1]])
        return busy

    def _load(self, version: Version) -> None:
        self._set(version, State.LOADING)
        for left in range(self._options.retries, -1, -1):
            try:
                loaded = self._loader(version.model, version.number, version.path)
            except Exception as error:
                log.error("could not load %s version %d: %s", version.model, version.number, as_status(error))
                if left and self._pause(version):
                    continue
                version.error = as_status(error)
                self._set(version, State.END)
                return
            version.loaded = loaded
            self._set(version, State.AVAILABLE)
            log.info("%s version %d is available", version.model, version.number)
            return

    def _pause(self, version: Version) -> bool:
        """Wait before the next try. Returns False when the version is not wanted any more."""
        until = time.monotonic() + max(self._options.retry_seconds, 0)
        while time.monotonic() < until and not self._stopping.wait(PERIOD):
            if version.number not in self._models[version.model].aspired:
                return False
        return not self._stopping.is_set()

    def _unload(self, version: Version) -> None:
        self._set(version, State.UNLOADING)
        with self._changed:
            self._changed.wait_for(lambda: version.users == 0 or self._stopping.is_set())
        if version.loaded:
            version.loaded.close()
            version.loaded = None
        self._set(version, State.END)
        log.info("%s version %d is unloaded", version.model, version.number)

    def _set(self, version: Version, state: State) -> None:
        with self._changed:
            version.state = state
            ready = {number: one for number, one in self._ready.get(version.model, {}).items() if number != version.number}
            if state == State.AVAILABLE:
                ready[version.number] = version
            self._ready = {**self._ready, version.model: ready}
            self._changed.notify_all()
