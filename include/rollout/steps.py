"""What a release does next: a pure state machine over its record.

    check -> shadow -> ramp-5 -> ramp-25 -> ramp-50 -> ramp-100 -> promote -> end
    any step that does not say ADVANCE -> restore (all traffic back to stable) -> end

HOLD, ROLL_BACK and REFUSE all leave stable as it was; they differ in what a person should do about it. A restart of
the release finds its place by the record alone.
"""

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from include.rollout import record as records
from include.rollout.record import Record, Shift
from include.rollout.verdict import Kind, Verdict


class Do(StrEnum):
    """What there is to do."""

    CHECK = "check"
    SHADOW = "shadow"
    RAMP = "ramp"
    PROMOTE = "promote"
    RESTORE = "restore"
    END = "end"


class Action(BaseModel):
    """The next thing to do; `weight` is the canary's share in % of a ramp step."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    do: Do
    weight: int = 0

    @property
    def step(self) -> str:
        """The name of the step in the record."""
        return f"ramp-{self.weight}" if self.do is Do.RAMP else str(self.do)


def next_action(record: Record) -> Action:
    """What a release has to do now."""
    plan = _plan(record)
    done = [step.name for step in record.steps]
    if record.verdict is not None:
        acted = not done or record.verdict is Kind.PROMOTE or done[-1] == Do.RESTORE
        return Action(do=Do.END if acted else Do.RESTORE)
    return next(action for action in plan if action.step not in done)


def take(record: Record, action: Action, verdict: Verdict, **counts: Any) -> Record:
    """The record after an action with its verdict. The last ADVANCE leads to PROMOTE; anything else ends the release.

    Args:
        counts: fields of record.Step: requests, failed_requests, began, ended.

    Raises:
        ValueError: the action is not the one that the record asks for.
    """
    wanted = next_action(record)
    if action != wanted:
        raise ValueError(f"The release is at {wanted.step}, not at {action.step}")
    if action.do is Do.RESTORE:
        kept = Verdict(kind=record.verdict or Kind.HOLD, reason=verdict.reason, figures=verdict.figures)
        return records.add(record, action.step, kept, **counts)
    record = records.add(record, action.step, verdict, weight=action.weight, **counts)
    if action.do is Do.PROMOTE:
        kind, reason = verdict.kind, _why_promoted(record) if verdict.kind is Kind.PROMOTE else verdict.reason
        return record.model_copy(update={"verdict": kind, "reason": reason})
    if verdict.kind is Kind.ADVANCE:
        return record
    kind = Kind.HOLD if verdict.kind is Kind.PROMOTE else verdict.kind
    return record.model_copy(update={"verdict": kind, "reason": f"{_title(action)}: {verdict.reason}"})


def open_step(record: Record, action: Action, at: float) -> Record:
    """Note that a ramp step asks for its weight; to be saved before the gateway is told, `at` in Unix seconds.

    A step that was opened before a restart stays as it was.
    """
    if record.shifts and record.shifts[-1].weight == action.weight:
        return record
    return record.model_copy(update={"shifts": (*record.shifts, Shift(at=at, weight=action.weight))})


def opened(record: Record, live: float) -> Record:
    """Note that the gateway works by the latest weight. Requests in between are judged by nobody."""
    latest = record.shifts[-1]
    if latest.live is not None:
        return record
    return record.model_copy(update={"shifts": (*record.shifts[:-1], latest.model_copy(update={"live": live}))})


def _plan(record: Record) -> list[Action]:
    ramp = [Action(do=Do.RAMP, weight=weight) for weight in record.weights]
    return [Action(do=Do.CHECK), Action(do=Do.SHADOW), *ramp, Action(do=Do.PROMOTE)]


def _title(action: Action) -> str:
    return f"At {action.weight} %" if action.do is Do.RAMP else {"check": "In the check", "shadow": "In shadow"}[action.do]


def _why_promoted(record: Record) -> str:
    shadow = next((step.reason for step in record.steps if step.name == Do.SHADOW), "")
    return f"{shadow}; the ramp to 100 % showed no harm"
