"""The watch on the spread of scores: what is flat, what is caught, and how often an honest model is blamed."""

import math
import random

import pytest

from include.rollout.safety import judge
from include.rollout.spread import is_flat
from include.rollout.verdict import Kind
from tests.rollout.simulate import RAMP, asked_until_rolled_back, false_rate, lower_bound, ramp, same

PROMISE = 0.01


@pytest.mark.parametrize(
    "scores",
    [[0.0, 0.0, 0.0], [3.7, 3.7], [1000.0, 999.99, 1000.01], [-5.0, -5.0002], [1e-7, 2e-7, 0.0]],
)
def test_scores_that_are_all_alike_are_flat(scores):
    assert is_flat(scores)


@pytest.mark.parametrize(
    "scores",
    [[3.2, 1.1, -0.4], [0.91, 0.90, 0.89], [41.0, 40.0, 40.0, 39.0], [0.001, 0.0005], [7.0], [], [math.nan, math.nan]],
)
def test_buyers_probabilities_and_logits_have_spread_whatever_their_scale(scores):
    """Also: one product cannot be ranked, and a score that is not finite is another fault."""
    assert not is_flat(scores)


def flat_at(rate: float):
    """Identical arms that give a flat answer with this rate: a shop so small that many products have one buyer."""
    return lambda rng, arm, i: same(rng, arm, i) | {"flat": rng.random() < rate}


def flat_households(rng: random.Random, arm: str, who: int) -> dict:
    """Identical arms; one household in ten always gets a flat answer, whatever answers it, and comes often."""
    return {"flat": who % 10 == 0, "ms": 4.0}


STICKY = {"ramp": ((0.05, 1500), (0.25, 1500), (0.5, 1500)), "households": 400}


@pytest.mark.parametrize("rate", [0.0, 0.02, 0.3, 1.0])
def test_an_identical_model_is_not_blamed_for_answers_that_are_flat_in_both_arms(rate):
    hits, runs = false_rate(30, flat_at(rate), seed=11)
    assert lower_bound(hits, runs) <= PROMISE, f"{hits} of {runs}"


def test_households_that_always_get_flat_answers_do_not_roll_back_an_identical_model():
    hits, runs = false_rate(20, flat_households, seed=5, **STICKY)
    assert lower_bound(hits, runs) <= PROMISE, f"{hits} of {runs}"


@pytest.mark.long
@pytest.mark.parametrize("rate", [0.02, 0.3, 1.0])
def test_an_identical_model_is_blamed_less_often_than_promised_in_many_releases(rate):
    hits, runs = false_rate(2000, flat_at(rate), seed=random.randrange(10**6))
    assert lower_bound(hits, runs) <= PROMISE, f"{hits} of {runs}"


def delays(rate: float, usual: float = 0.0, runs: int = 30) -> list[float]:
    truth = lambda rng, arm, i: {"flat": rng.random() < (rate if arm == "canary" else usual), "ms": 4.0}
    rng = random.Random(3)
    return sorted(asked_until_rolled_back(ramp(rng, truth)) or float("inf") for _ in range(runs))


def test_a_canary_whose_every_answer_is_flat_is_caught_within_20_canary_requests():
    assert delays(1.0)[-1] <= 20


def test_a_canary_that_goes_flat_for_one_household_in_ten_is_caught_within_200_canary_requests():
    found = delays(0.1)
    assert found[int(0.95 * len(found))] <= 200


def test_flat_answers_at_100_percent_are_caught_against_what_stable_gave_before():
    truth = lambda rng, arm, i: {"flat": i > 1400 and arm == "canary", "ms": 4.0}
    rng = random.Random(2)
    found = [asked_until_rolled_back(ramp(rng, truth, ramp=(*RAMP, (1.0, 300)))) for _ in range(10)]
    assert None not in found


def test_the_reason_names_the_constant_scores():
    rng = random.Random(1)
    truth = lambda rng, arm, i: {"flat": arm == "canary", "ms": 4.0}
    verdict = judge(list(ramp(rng, truth, ramp=((0.5, 200),))), step_began=0)
    assert verdict.kind is Kind.ROLL_BACK and "constant scores" in verdict.reason


def test_ten_late_answers_in_a_row_are_called_late():
    rng = random.Random(1)
    truth = lambda rng, arm, i: {"failed": arm == "canary", "silent": arm == "canary", "ms": 4.0}
    verdict = judge(list(ramp(rng, truth, ramp=((0.5, 200),))), step_began=0)
    assert verdict.kind is Kind.ROLL_BACK and "without an answer in time" in verdict.reason
