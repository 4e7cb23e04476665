"""Releases with a known truth: requests of sticky households through a ramp."""

import random
from collections.abc import Callable, Iterator

from include.rollout.safety import Seen, Watch

RAMP = ((0.05, 600), (0.25, 400), (0.5, 300))
"""(weight, requests at that weight); one household a request, as in a replay."""
RATE = 100.0
"""Requests a second."""

Truth = Callable[[random.Random, str, int], dict]
"""(random, arm, number of the request) -> the fields of Seen that the truth decides."""


def ramp(rng: random.Random, truth: Truth, ramp=RAMP, households: int = 0) -> Iterator[Seen]:
    """Requests in order. `households` > 0 draws them, heavy-tailed, from so many; 0 makes each request a new one."""
    i = 0
    place: dict[int, float] = {}
    for weight, requests in ramp:
        for _ in range(requests):
            who = min(int(households * rng.random() ** 3), households - 1) if households else i
            arm = "canary" if place.setdefault(who, rng.random()) < weight else "stable"
            yield Seen(at=i / RATE, household=str(who), arm=arm, weight=weight, **truth(rng, arm, who if households else i))
            i += 1


def asked_until_rolled_back(seen: Iterator[Seen], each: int = 1) -> int | None:
    """Canary requests until the evidence is complete, looked at after every request; None when it never is."""
    watch, asked = Watch(), 0
    for one in seen:
        watch.add(one)
        asked += one.arm == "canary"
        if watch.broken or watch.against():
            return asked
    return None


def false_rate(runs: int, truth: Truth, seed: int, **how) -> tuple[int, int]:
    """(rolled back, runs)."""
    rng = random.Random(seed)
    return sum(asked_until_rolled_back(ramp(rng, truth, **how)) is not None for _ in range(runs)), runs


def delays(truth: Truth, runs: int = 30, ramp_=((0.05, 700), (0.25, 700), (0.5, 700))) -> list[float]:
    """Canary requests until the roll-back in each of some releases, ascending; infinity where the ramp ended without one."""
    rng = random.Random(2)
    return sorted(asked_until_rolled_back(ramp(rng, truth, ramp=ramp_)) or float("inf") for _ in range(runs))


def lower_bound(hits: int, runs: int) -> float:
    """Lower 95 % bound of a rate (Clopper-Pearson, by bisection of the binomial tail)."""
    from math import comb

    if hits == 0:
        return 0.0
    low, high = 0.0, hits / runs
    for _ in range(40):
        p = (low + high) / 2
        tail = 1 - sum(comb(runs, k) * p**k * (1 - p) ** (runs - k) for k in range(hits))
        low, high = (p, high) if tail < 0.05 else (low, p)
    return low


def same(rng: random.Random, arm: str, i: int) -> dict:
    """Identical arms: 0.5 % errors, 0.2 % bad, 1 % empty, log-normal times."""
    return {
        "failed": rng.random() < 0.005,
        "bad": rng.random() < 0.002,
        "empty": rng.random() < 0.01,
        "ms": rng.lognormvariate(1.5, 0.5),
    }
