"""A search's documents in the store: what each round suggested, and what each trial ended with. Each is written once.

<key>/round-1.json    {"trials": [{"number", "values"}, ...]}
<key>/trial-7.json    a Trial

Everything that a search knows is told anew from them, so a killed trial, task or scheduler goes on where it was.
"""

import contextlib
from typing import Any

from pydantic import ValidationError

from include.errors import Refused
from include.store.document import pack, unpack
from include.store.objects import ABSENT, Conflict, Store
from include.tuning.rounds import ROUNDS
from include.tuning.search import Planned, Trial
from include.words import counted

REMEDY = "Delete it, and run the search again"


class Study:
    """The documents below one key."""

    def __init__(self, store: Store, key: str) -> None:
        self.store, self.key = store, key

    def planned(self, number: int) -> list[Planned] | None:
        """What a round suggested; None before it did."""
        value = self._read(f"round-{number}")
        return None if value is None else [self._valid(Planned, one) for one in value.get("trials", [])]

    def plan(self, number: int, trials: list[Planned]) -> list[Planned]:
        """Keep a round's suggestions, unless it has some: then those. An empty round is not kept: its budget may grow."""
        if trials:
            self._write(f"round-{number}", {"trials": [one.model_dump(mode="json") for one in trials]})
        return self.planned(number) or []

    def before(self, number: int = ROUNDS + 1) -> list[Trial]:
        """Trials of all rounds before one that have ended, in order."""
        asked = [one for i in range(1, number) for one in self.planned(i) or []]
        return [trial for one in asked if (trial := self.trial(one.number))]

    def trial(self, number: int) -> Trial | None:
        """How a trial ended; None while it has not."""
        value = self._read(f"trial-{number}")
        return None if value is None else self._valid(Trial, value)

    def tell(self, trial: Trial) -> Trial:
        """Keep how a trial ended; what was told first stays."""
        self._write(f"trial-{trial.number}", trial.model_dump(mode="json"))
        return self.trial(trial.number) or trial

    def _write(self, name: str, value: dict[str, Any]) -> None:
        with contextlib.suppress(Conflict):
            self.store.write(f"{self.key}/{name}.json", pack(value), expect=ABSENT)

    def _read(self, name: str) -> dict[str, Any] | None:
        key = f"{self.key}/{name}.json"
        data, _ = self.store.load(key)
        return None if data is None else unpack(data, key, "a document of a search", REMEDY)

    def _valid(self, kind: type[Any], value: Any) -> Any:
        try:
            return kind.model_validate(value)
        except ValidationError as error:
            raise Refused(
                f"{self.key} holds what is no {kind.__name__.lower()}: {counted(error.error_count(), 'fault')}", REMEDY
            ) from error
