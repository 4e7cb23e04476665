"""From the gateway's attempts and the answer log to what a ramp is judged by.

A request counts for the arm of its first attempt; later attempts are the gateway's rescue and say nothing about that arm.
The weight of a request is the one that held when it began; while a change is on its way, and SETTLE seconds longer, nobody
knows, so those requests are left out (of both arms alike).
"""

import math
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from include.rollout.record import Record, Shift
from include.rollout.safety import Seen, judge
from include.rollout.spread import is_flat
from include.rollout.verdict import Verdict
from include.serving.answer_log import Answer, read_answers
from include.serving.attempts import Attempt, read_attempts

SETTLE = 0.1
PATIENCE = 5.0
MISSING = 0.02
"""Share of answers without a line in the attempt log from which that log is called incomplete."""


def see(attempts: Iterable[Attempt], answers: Iterable[Answer], shifts: Sequence[Shift]) -> list[Seen]:
    """First attempts of households since the first change of weight, with what the answer held.

    An answer counts only when the arm of the first attempt gave it.
    """
    held = {answer.request: answer for answer in answers if answer.code == "OK"}
    found = []
    for attempt in attempts:
        weight = weight_at(shifts, attempt.t)
        if weight is None or attempt.attempt != 1 or attempt.arm not in ("stable", "canary") or not attempt.household:
            continue
        answer = held.get(attempt.request_id)
        own = answer if answer and answer.arm == attempt.arm and attempt.ok else None
        found.append(
            Seen(
                at=attempt.t,
                household=attempt.household,
                arm=attempt.arm,
                weight=weight / 100,
                failed=not attempt.ok,
                silent=is_silent(attempt),
                ms=(attempt.us or 0) / 1000,
                bad=own is not None and not all(map(math.isfinite, own.scores)),
                empty=own is not None and not any(own.products),
                flat=own is not None and is_flat(own.scores),
            )
        )
    return found


def is_silent(attempt: Attempt) -> bool:
    """Whether the replica was reached and said nothing in time: no first byte, and no broken connection either."""
    return not attempt.ok and attempt.us is None and attempt.flags in ("", "UT", "DC", "SI")


def weight_at(shifts: Sequence[Shift], at: float) -> int | None:
    """The canary's share in % at a moment; None before the first change and while a change settles."""
    weight = None
    for shift in shifts:
        if at >= shift.at:
            weight = shift.weight if shift.live is not None and at >= shift.live + SETTLE else None
    return weight


def gaps(attempts: Iterable[Attempt], answers: Iterable[Answer]) -> list[str]:
    """What is wrong with the evidence of a finished replay, in words."""
    known = {attempt.request_id for attempt in attempts}
    asked = [answer.request for answer in answers if answer.code == "OK" and answer.arm in ("stable", "canary")]
    lost = sum(request not in known for request in asked)
    if lost > MISSING * len(asked):
        return [f"{lost} of {len(asked)} answers have no line in the gateway's attempt log, so failures may be hidden"]
    return []


def look(record: Record, attempts_file: Path, answers_root: Path, run: str, *, offset: int = 0, over: bool = False) -> Verdict:
    """The verdict on a ramp as of now, from the files. It may be asked at any time and any number of times.

    Args:
        run: the id of the present step's replay in the answer log.
        offset: where in the attempt log the release began.
        over: the replay has ended, so every answer should have its line; the gateway writes its log with a delay, so
            this waits up to PATIENCE seconds for the last ones.

    Raises:
        ValueError: the record has no change of weight yet.
    """
    if not record.shifts:
        raise ValueError("The ramp has not begun")
    answers = list(read_answers(answers_root, record.surface, [record.night], run))
    until = time.monotonic() + (PATIENCE if over else 0)
    while True:
        lines, _ = read_attempts(attempts_file, offset)
        mine = [attempt for attempt in lines if attempt.surface == record.surface]
        missing = gaps(mine, answers) if over else []
        if not missing or time.monotonic() > until:
            break
        time.sleep(0.25)
    began = record.shifts[-1].at
    seen = see(mine, answers, record.shifts)
    return judge(seen, step_began=began, minimum=record.minimum, budget_ms=record.budget_ms, gaps=missing)
