"""Whether a canary breaks anything, judged from first attempts: errors, senseless answers, slowness.

The gateway's retries hide a canary's errors from shoppers, so what counts is the first attempt of a request, not its end.
Sticky routing gives all requests of a household one arm, so a household counts once for each metric, with its first
event: a test by request rolls back a third of identical models (tests/rollout/test_error_rates.py keeps the proof). An
answer is slow when it took more than the surface's budget and more than SLACK times the p90 (a stall: the p99) of stable's
latest answers, so both arms are held against the same stretch of time; and only a canary whose rate of them is above
SLOW_MARGIN times stable's is rolled back, because its one replica on a busy machine is not stable's two. Answers whose
scores are all alike are watched too: nothing about such an answer fails, and it ranks nothing.
"""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt

from include.rollout.martingale import Martingale, SplitCheck
from include.rollout.verdict import Kind, Verdict
from include.words import counted

ALPHA = 0.01
"""Chance that an identical model is rolled back, over all metrics and all looks of a release."""
SRM_ALPHA = 0.001
MIN_HOUSEHOLDS = 30
SLACK = 1.5
SLOW_MARGIN = 2.0
PAUSE = 0.4
WINDOW, READY = 300, 50
"""Stable's latest answers that thresholds come from, and how many there must be before slowness is judged."""
LOWEST_REFERENCE = 0.01
"""At 100 % there is no other arm: failures are held against stable's own rate in this release, at least this one."""
ALL_FAILED = 10

TIMES = ("slow answers", "stalls")
MARGINS = {
    "errors": 1.0,
    "scores that are not finite": 1.0,
    "empty answers": 1.0,
    "constant scores": 1.0,
    "slow answers": SLOW_MARGIN,
    "stalls": SLOW_MARGIN,
}
"""Metric -> how many times stable's rate of it the canary may have."""


@dataclass(frozen=True)
class Seen:
    """One request as its first attempt went.

    Args:
        at: when it began, Unix seconds.
        arm: "stable" or "canary", where the first attempt was sent.
        weight: the canary's share of traffic at that moment, 0 to 1.
        failed: the first attempt was anything but OK.
        silent: it failed because nothing came back in time.
        ms: how long the first attempt took.
        bad: a score of that arm's answer was NaN or infinite.
        empty: that arm's answer held no product.
        flat: that arm's answer held several products of one score (include/rollout/spread.py).
    """

    at: float
    household: str
    arm: str
    weight: float
    failed: bool = False
    silent: bool = False
    ms: float = 0.0
    bad: bool = False
    empty: bool = False
    flat: bool = False


class Ruler:
    """p90 and p99 of stable's latest answers, by nearest rank.

    Args:
        budget_ms: an answer within this is never slow: a better model may be slower than a simple one, as long as no
            shopper notices.
    """

    def __init__(self, budget_ms: float = 0.0) -> None:
        self.budget_ms = budget_ms
        self._queue: deque[float] = deque()
        self._sorted: list[float] = []

    def add(self, ms: float) -> None:
        self._queue.append(ms)
        insort(self._sorted, ms)
        if len(self._queue) > WINDOW:
            del self._sorted[bisect_left(self._sorted, self._queue.popleft())]

    def over(self, ms: float) -> tuple[bool, bool]:
        """Whether an answer is slow, and whether it is a stall. (False, False) until enough is known."""
        n = len(self._sorted)
        if n < READY or ms <= self.budget_ms:
            return False, False
        return ms > SLACK * self._sorted[int(n * 0.9)], ms > SLACK * self._sorted[int(n * 0.99)]


class Watch:
    """All evidence of one release's ramp, request by request in order of time. Args: budget_ms, as of the Ruler."""

    def __init__(self, budget_ms: float = 0.0) -> None:
        self.tests = {name: Martingale(margin) for name, margin in MARGINS.items()}
        self.split = SplitCheck()
        self.households: dict[str, set[str]] = {"stable": set(), "canary": set()}
        self.failed = {"stable": 0, "canary": 0}
        self._stable_hits = dict.fromkeys(MARGINS, 0)
        self.in_a_row = 0
        self.late_in_a_row = 0
        self._counted: set[tuple[str, str]] = set()
        self._quiet = dict.fromkeys(TIMES, float("-inf"))
        self._ruler = Ruler(budget_ms)
        self._stable_tail: deque[bool] = deque(maxlen=50)

    def add(self, seen: Seen) -> None:
        """Take one request into account."""
        canary = seen.arm == "canary"
        first = not any(seen.household in known for known in self.households.values())
        if first and 0 < seen.weight < 1:
            self.split.household(canary, seen.weight)
        new = seen.household not in self.households[seen.arm]
        self.households[seen.arm].add(seen.household)
        slow, stall = (True, True) if seen.silent else self._ruler.over(seen.ms)
        marks = (seen.failed and not seen.silent, seen.bad, seen.empty, seen.flat, slow, stall)
        for name, hit in zip(MARGINS, marks, strict=True):
            self._weigh(name, hit, seen, canary)
            self._stable_hits[name] += hit and not canary
        self._tally(seen, canary, new)

    def _weigh(self, name: str, hit: bool, seen: Seen, canary: bool) -> None:
        if (name, seen.household) in self._counted or seen.at < self._quiet.get(name, seen.at):
            return
        if hit and name in TIMES:
            self._quiet[name] = seen.at + PAUSE
        if 0 < seen.weight < 1:
            if hit:
                self.tests[name].event(canary, seen.weight)
        elif canary and name not in TIMES:
            self.tests[name].trial(hit, self._reference(name))
        if hit or seen.weight >= 1:
            self._counted.add((name, seen.household))

    def _tally(self, seen: Seen, canary: bool, new: bool) -> None:
        self.failed[seen.arm] += seen.failed
        if canary and (new or not seen.failed):
            self.in_a_row = self.in_a_row + 1 if seen.failed else 0
            self.late_in_a_row = self.late_in_a_row + seen.silent if seen.failed else 0
        if not canary:
            self._stable_tail.append(seen.failed)
            if not seen.failed:
                self._ruler.add(seen.ms)

    def _reference(self, name: str) -> float:
        """An upper guess of stable's rate: (sqrt(hits) + 1)^2 of the households asked."""
        asked, hits = len(self.households["stable"]), self._stable_hits[name]
        return min(0.5, max(LOWEST_REFERENCE, (sqrt(hits) + 1) ** 2 / asked if asked else 0.0))

    @property
    def broken(self) -> bool:
        """The last ten canary households all failed while stable answers nine of ten."""
        tail = self._stable_tail
        return self.in_a_row >= ALL_FAILED and (not tail or sum(tail) <= 0.1 * len(tail))

    def against(self, alpha: float = ALPHA) -> list[str]:
        """The metrics whose evidence against the canary is complete."""
        bar = len(self.tests) / alpha
        return [name for name, test in self.tests.items() if test.peak >= bar]


def judge(
    seen: Iterable[Seen],
    *,
    step_began: float,
    minimum: int = MIN_HOUSEHOLDS,
    alpha: float = ALPHA,
    budget_ms: float = 0.0,
    gaps: Sequence[str] = (),
) -> Verdict:
    """The verdict on a ramp so far. It may be asked as often as one likes; the answer stays valid.

    Args:
        seen: all requests since the ramp began, any order.
        step_began: Unix seconds since when the present weight holds.
        minimum: canary households of this step without which it may not advance.
        budget_ms: an answer within this is never slow, whatever stable takes.
        gaps: what is wrong with the evidence itself, in words; any gap holds.

    Returns:
        ROLL_BACK, ADVANCE, or HOLD while there is too little evidence.
    """
    watch, ordered = Watch(budget_ms), sorted(seen, key=lambda one: one.at)
    for one in ordered:
        watch.add(one)
    in_step = len({one.household for one in ordered if one.arm == "canary" and one.at >= step_began})
    figures = _figures(watch, in_step)
    if watch.broken:
        late = f", {watch.late_in_a_row} of them without an answer in time," if watch.late_in_a_row else ""
        text = f"The last {watch.in_a_row} canary households all failed{late} while stable answers"
        return Verdict(kind=Kind.ROLL_BACK, reason=text, figures=figures)
    if against := watch.against(alpha):
        return Verdict(kind=Kind.ROLL_BACK, reason=_accuse(watch, against, alpha), figures=figures)
    if watch.split.peak >= 1 / SRM_ALPHA:
        text = f"The arms do not get their shares of households ({_arms(watch)}), so nothing can be concluded"
        return Verdict(kind=Kind.HOLD, reason=text, figures=figures)
    if gaps:
        return Verdict(kind=Kind.HOLD, reason="; ".join(gaps), figures=figures)
    if in_step < minimum:
        text = f"{counted(in_step, 'canary household')} at this step, {minimum} are needed"
        return Verdict(kind=Kind.HOLD, reason=text, figures=figures)
    text = f"{counted(in_step, 'canary household')} at this step and no evidence of harm ({_arms(watch)})"
    return Verdict(kind=Kind.ADVANCE, reason=text, figures=figures)


def _figures(watch: Watch, in_step: int) -> dict:
    return {
        "households": {arm: len(known) for arm, known in watch.households.items()},
        "failed_first_attempts": dict(watch.failed),
        "canary_households_in_step": in_step,
        "evidence": {name: round(min(test.peak, 1e9), 3) for name, test in watch.tests.items()},
        "split": round(min(watch.split.peak, 1e9), 3),
    }


def _accuse(watch: Watch, against: list[str], alpha: float) -> str:
    bar = len(watch.tests) / alpha
    odds = ", ".join(f"{name} (evidence {min(watch.tests[name].peak, 1e9):,.0f}, bar {bar:,.0f})" for name in against)
    return f"The canary has more {odds} than stable; {_arms(watch)}"


def _arms(watch: Watch) -> str:
    sizes = {arm: len(known) for arm, known in watch.households.items()}
    return (
        f"canary {sizes['canary']} households, {watch.failed['canary']} failed first attempts; "
        f"stable {sizes['stable']} and {watch.failed['stable']}"
    )
