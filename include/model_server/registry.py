"""What is known of models and versions, and who may use them now. One lock; publication is the swap of one dictionary."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from include.model_server.config import ModelSpec
from include.model_server.errors import Code, StatusError, invalid
from include.model_server.versions import State, wanted


class Closing(Protocol):
    """A loaded model, as far as its life is concerned."""

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
class Model:
    """A model of the config (`spec`), or one that is left out by now (None) and whose states are kept."""

    spec: ModelSpec | None
    aspired: set[int] = field(default_factory=set)
    versions: dict[int, Version] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        """Whether everything that is wanted was tried in vain."""
        tried = [self.versions[number] for number in self.aspired if number in self.versions]
        return bool(tried) and all(version.over for version in tried)


class Borrowed:
    """A version in use, until the end of the block."""

    def __init__(self, changed: threading.Condition, version: Version) -> None:
        self._changed, self._version = changed, version

    def __enter__(self) -> Version:
        return self._version

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._version.users -= 1
            if self._version.state == State.UNLOADING:
                self._changed.notify_all()


class Registry:
    """Models by name, what of them is ready, and the labels. `changed` is the lock, and tells of every change of state."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.models: dict[str, Model] = {}
        self.labels: dict[str, dict[str, int]] = {}
        self._ready: dict[str, dict[int, Version]] = {}

    def ready(self, model: str) -> Mapping[int, Version]:
        """The versions that answer."""
        return self._ready.get(model, {})

    def borrow(self, model: str, version: int | None = None, label: str | None = None) -> "Borrowed":
        """A version that is ready, kept loaded while the block lasts; without version and label the highest one.

        Raises:
            StatusError: NOT_FOUND, or INVALID_ARGUMENT for an unknown label.
        """
        return Borrowed(self.changed, self._take(model, version, label))

    def versions(self, model: str, version: int | None = None) -> list[Version]:
        """What is known of a model's versions, the highest first. Raises StatusError NOT_FOUND."""
        with self.changed:
            known = self.models[model].versions if model in self.models else {}
            found = [known[number] for number in sorted(known, reverse=True) if version in (None, number)]
        if not found:
            what = f"any versions of model {model}" if version is None else f"version {version} of model {model}"
            raise StatusError(Code.NOT_FOUND, f"Could not find {what}")
        return found

    def resolve(self, model: str, label: str) -> int:
        """The version of a label. Raises StatusError INVALID_ARGUMENT."""
        try:
            return self.labels[model][label]
        except KeyError:
            raise invalid(f"Unrecognized servable version label: {label}") from None

    def enter(self, version: Version, state: State) -> None:
        """Write down a version's new state, and publish or withdraw it."""
        with self.changed:
            version.state = state
            ready = {number: one for number, one in self.ready(version.model).items() if number != version.number}
            if state == State.AVAILABLE:
                ready[version.number] = version
            self._ready = {**self._ready, version.model: ready}
            self.changed.notify_all()

    def aspire(self, name: str, found: Mapping[int, Path]) -> None:
        """Write down what is wanted of what was found. A version that dropped out may be tried again when it comes back."""
        model = self.models[name]
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

    def _take(self, model: str, version: int | None, label: str | None) -> Version:
        with self.changed:
            number = self.resolve(model, label) if label else version
            ready = self.ready(model)
            number = max(ready, default=None) if number is None else number
            entry = ready.get(number) if number is not None else None
            if entry is None:
                asked = f"Latest({model})" if number is None else f"Specific({model}, {number})"
                raise StatusError(Code.NOT_FOUND, f"Servable not found for request: {asked}")
            entry.users += 1
            return entry
