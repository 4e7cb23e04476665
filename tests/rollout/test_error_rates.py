"""The judge's error rates are a tested contract: each rate is held against its promise with a binomial bound."""

import random

import pytest

from tests.rollout.simulate import RAMP, asked_until_rolled_back, delays, false_rate, lower_bound, ramp
from tests.rollout.truths import STICKY, TRUTHS, at_margin, by_request, slower, sticky

PROMISE = 0.01


@pytest.mark.parametrize("truth", TRUTHS.values(), ids=TRUTHS)
def test_an_identical_model_is_rolled_back_less_often_than_promised(truth):
    hits, runs = false_rate(40, truth, seed=7)
    assert lower_bound(hits, runs) <= PROMISE, f"{hits} of {runs}"


@pytest.mark.long
@pytest.mark.parametrize("truth", TRUTHS.values(), ids=TRUTHS)
def test_an_identical_model_is_rolled_back_less_often_than_promised_in_many_releases(truth):
    hits, runs = false_rate(3000, truth, seed=random.randrange(10**6))
    assert lower_bound(hits, runs) <= PROMISE, f"{hits} of {runs}"


@pytest.mark.long
def test_a_canary_at_the_tolerated_slowness_is_not_rolled_back_more_often_than_promised():
    hits, runs = false_rate(1500, at_margin, seed=3)
    assert lower_bound(hits, runs) <= PROMISE, f"{hits} of {runs}"


def test_sticky_households_do_not_roll_back_an_identical_model():
    hits, runs = false_rate(25, sticky, seed=5, **STICKY)
    assert lower_bound(hits, runs) <= PROMISE, f"{hits} of {runs}"


def test_a_judge_by_request_fails_under_sticky_households():
    """Kept as proof: the same formula by request rolls back identical models, so the unit is the household."""
    rng = random.Random(5)
    runs = 20
    hits = sum(asked_until_rolled_back(by_request(ramp(rng, sticky, **STICKY))) is not None for _ in range(runs))
    assert hits >= 0.1 * runs


@pytest.mark.parametrize("weight", [0.05, 0.1, 0.25, 0.5, 1.0])
def test_a_canary_whose_every_answer_fails_is_caught_within_10_canary_requests(weight):
    rng = random.Random(1)
    truth = lambda rng, arm, i: {"failed": arm == "canary", "ms": 4.0}
    for _ in range(20):
        asked = asked_until_rolled_back(ramp(rng, truth, ramp=((weight, 2000),)))
        assert asked is not None and asked <= 10


def test_a_canary_three_times_as_slow_is_caught_within_150_canary_requests():
    found = delays(slower(3))
    assert found[int(0.95 * len(found))] <= 150


def test_a_canary_twice_as_slow_is_usually_caught_within_250_canary_requests():
    found = delays(slower(2))
    assert found[len(found) // 2] <= 250


@pytest.mark.parametrize("field", ["bad", "empty"])
def test_a_canary_that_answers_badly_is_caught_within_40_canary_requests_even_from_a_zero_baseline(field):
    found = delays(lambda rng, arm, i: {field: arm == "canary" and rng.random() < 0.5, "ms": 4.0})
    assert found[int(0.95 * len(found))] <= 40


def test_errors_at_100_percent_are_caught_although_nothing_is_left_to_compare_with():
    def truth(rng, arm, i):
        return {"failed": i > 1400 and arm == "canary" and rng.random() < 0.3, "ms": 4.0}

    found = delays(truth, ramp_=(*RAMP, (1.0, 300)))
    assert found[-1] < float("inf")
