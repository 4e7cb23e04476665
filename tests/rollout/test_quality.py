import random

import pytest

from include.rollout.quality import average, compare, judge, t_quantile
from include.rollout.verdict import Kind


def pairs(n: int, lift: float, noise: float = 0.1, seed: int = 0) -> tuple[dict, dict]:
    rng = random.Random(seed)
    stable = {str(i): max(0.0, rng.gauss(0.28, 0.15)) for i in range(n)}
    candidate = {key: max(0.0, value * (1 + lift) + rng.gauss(0, noise)) for key, value in stable.items()}
    return stable, candidate


def test_a_model_against_itself_is_not_inferior():
    stable, _ = pairs(200, 0)
    verdict = judge(stable, stable, margin=0.02)
    assert verdict.kind is Kind.ADVANCE and "not worse" in verdict.reason


def test_a_clearly_better_model_advances():
    verdict = judge(*pairs(1350, 0.5), margin=0.02)
    assert verdict.kind is Kind.ADVANCE and verdict.reason.startswith("The candidate is better")
    assert verdict.figures["lower"] > 0


def test_a_clearly_worse_model_rolls_back():
    verdict = judge(*pairs(1350, -0.2), margin=0.02)
    assert verdict.kind is Kind.ROLL_BACK and "95 % interval" in verdict.reason


def test_evidence_that_cannot_tell_holds():
    verdict = judge(*pairs(60, 0, noise=0.3), margin=0.02)
    assert verdict.kind is Kind.HOLD and "cannot tell" in verdict.reason


def test_no_data_never_advances():
    assert judge({}, {}, margin=0.02).kind is Kind.HOLD
    assert judge(*pairs(29, 0.5), margin=0.02).kind is Kind.HOLD


def test_households_without_both_answers_do_not_count():
    stable, candidate = pairs(100, 0.5)
    other = {f"x{key}": value for key, value in candidate.items()}
    assert judge(stable, other, margin=0.02).kind is Kind.HOLD


def test_two_zeros_hold_and_something_from_zero_advances():
    zero = {str(i): 0.0 for i in range(100)}
    some = {str(i): 0.1 + i / 1000 for i in range(100)}
    assert judge(zero, zero, margin=0.02).kind is Kind.HOLD
    assert judge(zero, some, margin=0.02).kind is Kind.ADVANCE
    assert judge(some, zero, margin=0.02).kind is Kind.ROLL_BACK


def test_answers_of_one_household_are_averaged_first():
    assert average([("a", 0.0), ("a", 1.0), ("b", 0.5)]) == {"a": 0.5, "b": 0.5}


def test_fewer_than_two_pairs_have_no_interval():
    with pytest.raises(ValueError, match="1 households"):
        compare({"a": 1.0}, {"a": 1.0})


@pytest.mark.parametrize(("p", "freedom", "value"), [(0.975, 29, 2.0452), (0.975, 1000, 1.9623), (0.95, 10, 1.8125)])
def test_the_quantile_of_t_agrees_with_the_tables(p, freedom, value):
    assert t_quantile(p, freedom) == pytest.approx(value, abs=0.01)


def test_the_interval_covers_the_truth_as_often_as_it_says():
    truth, runs = 0.05, 400
    covered = 0
    for seed in range(runs):
        rng = random.Random(seed)
        stable = {str(i): rng.expovariate(1 / 0.3) for i in range(150)}
        candidate = {key: value * (1 + truth) + rng.gauss(0, 0.1) for key, value in stable.items()}
        change = compare(stable, candidate)
        covered += change.lower <= truth <= change.upper
    assert 0.92 <= covered / runs <= 0.98
