"""Rivals that only count: popularity of all, of recent weeks, and a household's own frequency and recency."""

from collections.abc import Callable

import numpy as np

from benchmarks.models.protocol import Fold, Scorer
from benchmarks.models.rival import Rival
from include.evaluation import baselines
from include.evaluation.purchases import Purchases


def popularity(cut: Fold, last: int | None = None) -> Scorer:
    def score(purchases: Purchases, week: int, households: np.ndarray) -> np.ndarray:
        return np.tile(purchases.buyers(week, last=last), (len(households), 1))

    return score


def frequency(cut: Fold) -> Scorer:
    def score(purchases: Purchases, week: int, households: np.ndarray) -> np.ndarray:
        return purchases.matrix(week)[households].toarray() + baselines.tie(purchases, week)

    return score


def recency(cut: Fold, tau: float) -> Scorer:
    return lambda purchases, week, households: baselines.recency(purchases, week, households, tau)


def item_knn(cut: Fold) -> Scorer:
    return baselines.ItemKnn(cut.purchases, cut.cut_off + 1)


def _grid(name: str, *values: float) -> tuple[dict[str, float], ...]:
    return tuple({name: value} for value in values)


_make: Callable[..., Scorer] = popularity
RIVALS = (
    Rival("popularity", "popularity", "household-weeks so far", _make, script={"all": 0.1045, "new": 0.0160}),
    Rival(
        "recent popularity", "popularity", "household-weeks of the last weeks", _make, _grid("last", 1, 4, 8),
        {"all": 0.1069, "new": 0.0210},
    ),
    Rival("own frequency", "habit", "weeks with a purchase", frequency, script={"all": 0.2653, "new": 0.0172}),
    Rival(
        "own recency", "habit", "the same, fading over tau weeks", recency, _grid("tau", 6, 12, 20, 35),
        {"all": 0.2826, "new": 0.0172},
    ),
    Rival(
        "item-kNN", "neighbours", "200 alike by household-week; the script's new row is of another setting", item_knn,
        script={"all": 0.2335},
    ),
)  # fmt: skip
