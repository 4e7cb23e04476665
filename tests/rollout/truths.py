"""What may be true of two arms: identical ones on machines of every mood, and canaries with a known fault."""

import random
from dataclasses import replace

from tests.rollout.simulate import same


def noisy():
    """Identical arms on a busy machine: the level of both moves together, slowly and by up to 6 times."""
    state = {"level": 0.0, "i": -1}

    def truth(rng: random.Random, arm: str, i: int) -> dict:
        if i < state["i"]:
            state["level"] = 0.0
        state["i"] = i
        state["level"] = 0.97 * state["level"] + rng.gauss(0, 0.25)
        return {"ms": rng.lognormvariate(1.5 + max(-1.8, min(1.8, state["level"])), 0.4)}

    return truth


def pauses(rng: random.Random, arm: str, i: int) -> dict:
    """Three identical processes, two of them stable's. Each stands still now and then for about a second."""
    replica = "canary" if arm == "canary" else rng.choice("ab")
    phase = random.Random(f"{replica}{rng.getstate()[1][0]}{i // 1500}").random() * 1400
    still = phase <= i % 1500 < phase + 100
    return {
        "ms": 900.0 if still else rng.lognormvariate(1.5, 0.5),
        "failed": still and i % 2 == 0,
        "silent": still and i % 2 == 0,
    }


def incident(rng: random.Random, arm: str, i: int) -> dict:
    """Both arms fail 25 times as often for a while."""
    return same(rng, arm, i) | {"failed": rng.random() < (0.125 if 300 <= i < 420 else 0.005)}


TRUTHS = {"identical": same, "busy machine": noisy(), "pauses": pauses, "incident on both": incident}
"""Identical arms: none of them may be rolled back more often than promised."""


def slower(factor: float):
    return lambda rng, arm, i: {"ms": rng.lognormvariate(1.5, 0.5) * (factor if arm == "canary" else 1)}


def at_margin(rng: random.Random, arm: str, i: int) -> dict:
    """The worst legal case: twice stable's rate of slow answers, which is the margin."""
    slow = rng.random() < (0.04 if arm == "canary" else 0.02)
    return {"ms": 100.0 if slow else rng.uniform(9, 10)}


def sticky(rng: random.Random, arm: str, who: int) -> dict:
    """Identical arms; one household in fifty fails nearly always, whatever answers it."""
    return {"failed": rng.random() < (0.9 if who % 50 == 0 else 0.001)}


def by_request(seen):
    """The trap: every request a witness of its own."""
    return (replace(one, household=f"{one.household}/{one.at}") for one in seen)


STICKY = {"ramp": ((0.05, 1500), (0.25, 1500), (0.5, 1500)), "households": 400}
