"""What a gate answers: one of five words, and a reason that a person can read."""

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Kind(StrEnum):
    """The five verdicts. A gate that has no evidence says HOLD, never PROMOTE."""

    PROMOTE = "PROMOTE"
    ADVANCE = "ADVANCE"
    HOLD = "HOLD"
    ROLL_BACK = "ROLL_BACK"
    REFUSE = "REFUSE"


class Verdict(BaseModel):
    """A verdict, why, and the figures that it rests on (small JSON values)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    reason: str = Field(min_length=1)
    figures: dict[str, Any] = {}
