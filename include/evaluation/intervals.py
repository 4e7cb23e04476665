"""Intervals by bootstrap over households: the answers of one household are alike, so households are drawn, not answers.

A statistic is a ratio of sums (mean = sum of values / count), so one draw is two sums over drawn households.
Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13 (percentile interval).
"""

from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

DRAWS = 1000


class Interval(BaseModel):
    """An estimate with its 95 % bootstrap interval; `households` says how many it rests on."""

    model_config = ConfigDict(frozen=True)

    value: float
    low: float
    high: float
    households: int

    def rounded(self) -> dict[str, float | int]:
        return {
            "value": round(self.value, 5),
            "low": round(self.low, 5),
            "high": round(self.high, 5),
            "households": self.households,
        }


def mean(households: Sequence[str], values: np.ndarray, seed: int = 0, draws: int = DRAWS) -> Interval:
    """Mean of one value an answer [Q], with households [Q] that may repeat."""
    sums, counts = _by_household(households, values)
    return _interval(sums, counts, seed, draws)


def paired_difference(
    households: Sequence[str], values: np.ndarray, rival: np.ndarray, seed: int = 0, draws: int = DRAWS
) -> Interval:
    """Mean of values - rival over the same answers [Q]."""
    return mean(households, np.asarray(values) - np.asarray(rival), seed, draws)


def relative_change(
    households: Sequence[str], values: np.ndarray, rival: np.ndarray, seed: int = 0, draws: int = DRAWS
) -> Interval:
    """(sum of values / sum of rival) - 1 over the same answers [Q].

    Raises:
        ValueError: the rival's sum is not positive, so nothing is relative to it.
    """
    rival = np.asarray(rival, float)
    if rival.sum() <= 0:
        raise ValueError("a change relative to zero has no meaning")
    top, _ = _by_household(households, np.asarray(values, float) - rival)
    bottom, _ = _by_household(households, rival)
    return _interval(top, bottom, seed, draws)


def _by_household(households: Sequence[str], values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    names, index = np.unique(np.asarray(households, str), return_inverse=True)
    return np.bincount(index, values, minlength=len(names)), np.bincount(index, minlength=len(names)).astype(float)


def _interval(top: np.ndarray, bottom: np.ndarray, seed: int, draws: int) -> Interval:
    n = len(top)
    if n == 0:
        raise ValueError("no household, so no interval")
    rng = np.random.default_rng(seed)
    ratios = np.empty(draws)
    for i in range(draws):
        drawn = rng.integers(0, n, n)
        ratios[i] = top[drawn].sum() / max(bottom[drawn].sum(), 1e-12)
    low, high = np.quantile(ratios, [0.025, 0.975])
    return Interval(value=float(top.sum() / bottom.sum()), low=float(low), high=float(high), households=n)
