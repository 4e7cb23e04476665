"""Intervals by household: the truth is inside as often as they say, and repeats of a household add no evidence."""

import numpy as np
import pytest

from include.evaluation import intervals


def test_the_truth_lies_inside_in_about_95_of_100_trials() -> None:
    rng = np.random.default_rng(7)
    inside = 0
    for trial in range(200):
        households = np.repeat(np.arange(80), 3).astype(str)
        taste = np.repeat(rng.normal(0.1, 0.3, 80), 3)
        rival = rng.normal(0, 1, 240)
        found = intervals.paired_difference(households, rival + taste + rng.normal(0, 0.1, 240), rival, trial, 300)
        inside += found.low <= 0.1 <= found.high
    assert 0.90 <= inside / 200 <= 0.99


def test_asking_a_household_twice_narrows_nothing() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(0, 1, 100)
    once = intervals.mean([str(i) for i in range(100)], values)
    often = intervals.mean([str(i) for i in range(100)] * 5, np.tile(values, 5))
    assert often.high - often.low == pytest.approx(once.high - once.low)


def test_a_paired_difference_forgets_what_both_share() -> None:
    rng = np.random.default_rng(3)
    hard = rng.normal(0, 10, 200)
    found = intervals.paired_difference([str(i) for i in range(200)], hard + 0.5, hard)
    assert (found.low, found.high) == pytest.approx((0.5, 0.5))


def test_a_relative_change_is_a_ratio_of_sums() -> None:
    found = intervals.relative_change(["a", "b"], np.array([1.0, 2.0]), np.array([2.0, 2.0]))
    assert found.value == pytest.approx(-0.25)
    with pytest.raises(ValueError, match="zero"):
        intervals.relative_change(["a"], np.array([1.0]), np.array([0.0]))


def test_no_household_gives_no_interval() -> None:
    with pytest.raises(ValueError, match="no household"):
        intervals.mean([], np.zeros(0))
