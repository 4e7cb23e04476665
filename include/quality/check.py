"""A check: a bound on one number of a night's profile, how grave it is when broken, and what to say then."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Severity = Literal["warn", "quarantine", "block"]
WARN: Severity = "warn"
"""Reported, nothing else."""
QUARANTINE: Severity = "quarantine"
"""The night's events are set aside; the night goes on without them until a person releases it."""
BLOCK: Severity = "block"
"""The run ends and nothing of it is published."""
GRAVEST: tuple[Severity, ...] = (BLOCK, QUARANTINE, WARN)

LOOK = "Nothing has to be done"
LAND = "Correct the source and run build_features from {first} to {last} again, or `nightfill accept {first}` with a reason"


class Check(BaseModel):
    """`column` of the profile must lie within [low, high]; a null there means that there is nothing to judge.

    `what` completes the sentence "<rows> rows on <nights>: ..."; `rows` names the profile's column with that number,
    or is empty where rows are not what went wrong. `why` explains the alarm to a person, for docs/ALARMS.md.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    column: str
    low: float | None = None
    high: float | None = None
    severity: Severity = QUARANTINE
    rows: str = ""
    what: str
    why: str = ""
    todo: str = LAND

    def broken(self, row: Mapping[str, Any]) -> bool:
        """Whether a night's profile is outside the bounds."""
        value = row[self.column]
        return value is not None and (
            (self.low is not None and value < self.low) or (self.high is not None and value > self.high)
        )
