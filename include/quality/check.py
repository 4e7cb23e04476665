"""A check: a bound on one number of a night's profile, how grave it is when broken, and what to say then."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

Severity = Literal["critical", "warning"]
CRITICAL: Severity = "critical"
WARNING: Severity = "warning"


class Check(BaseModel):
    """`column` of the profile must lie within [low, high]; a null there means that there is nothing to judge.

    `what` completes the sentence "<rows> rows on <nights>: ..."; `rows` names the profile's column with that number,
    or is empty where rows are not what went wrong.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    column: str
    low: float | None = None
    high: float | None = None
    severity: Severity = CRITICAL
    rows: str = ""
    what: str
    todo: str
