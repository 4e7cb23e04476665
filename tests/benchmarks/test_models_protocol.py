"""The rivals of bench_models see nothing of the week that they are asked for, and are measured by the protocol."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from benchmarks.models import counting, ease, households_alike
from benchmarks.models.protocol import Fold, Panel, Scorer, cut, measure
from benchmarks.models.tree_features import Features
from include.evaluation.purchases import Purchases

HOUSEHOLDS, PRODUCTS, WEEKS, ASKED = 130, 40, 12, 9


def panel(until: int = WEEKS, seed: int = 0) -> Panel:
    """Lines of a small shop, those after a week left out."""
    rng = np.random.default_rng(seed)
    count = 6000
    household, product, week = (
        rng.integers(0, HOUSEHOLDS, count),
        rng.integers(0, PRODUCTS, count),
        rng.integers(1, WEEKS, count),
    )
    price, store = rng.integers(1, 9, count) / 2, rng.integers(1, 4, count)
    names = [f"n{i % 7}" for i in range(PRODUCTS)]
    texts = pa.table({"product_type": names, "product_category": names, "manufacturer_id": names, "brand": names})
    keep = week <= until
    lines = [part[keep] for part in (household, product, week, store, price)]
    return Panel(*lines, np.arange(HOUSEHOLDS), np.arange(PRODUCTS), texts)


def made(make: Callable[..., Scorer], **setting: float) -> Callable[[Fold], Scorer]:
    return lambda fold: make(fold, **setting)


MAKERS = {
    "popularity": made(counting.popularity),
    "recent popularity": made(counting.popularity, last=4),
    "frequency": made(counting.frequency),
    "recency": made(counting.recency, tau=6),
    "item-kNN": made(counting.item_knn),
    "EASE": made(ease.ease, penalty=10.0, tau=5.0, own=1.0),
    "TIFU-kNN": made(households_alike.tifu, k=10, alpha=0.5),
    "user-kNN": made(households_alike.cosine, k=10, alpha=0.5, tau=4.0),
}


@pytest.mark.parametrize("name", MAKERS)
def test_no_rival_sees_the_week_that_it_is_asked_for(name: str) -> None:
    past, whole = cut(panel(until=ASKED - 1), ASKED - 2), cut(panel(), ASKED - 2)
    asked = np.arange(HOUSEHOLDS)
    scores = [MAKERS[name](fold)(fold.purchases, ASKED, asked) for fold in (past, whole)]
    assert scores[0] == pytest.approx(scores[1], abs=1e-6)
    assert scores[0].std() > 0


def test_no_feature_of_the_trees_sees_the_week_that_it_is_asked_for() -> None:
    found = []
    for fold in (cut(panel(until=ASKED - 1), ASKED - 2), cut(panel(), ASKED - 2)):
        features = Features(fold, "all", plan=False, related_to=ASKED - 3, many=15)
        found.append(features.pairs(ASKED, np.arange(HOUSEHOLDS)))
    assert (found[0].product == found[1].product).all()
    assert np.nan_to_num(found[0].features) == pytest.approx(np.nan_to_num(found[1].features), abs=1e-5)


def test_a_scorer_that_knows_the_week_is_perfect_in_both_tasks() -> None:
    fold = cut(panel(), ASKED - 2)

    def oracle(purchases: Purchases, week: int, households: np.ndarray) -> np.ndarray:
        scores = np.zeros((len(households), purchases.shape[1]), np.float32)
        for i, right in enumerate(purchases.relevant(week, households)):
            scores[i, list(right)] = 1
        return scores

    found = measure(oracle, fold, [ASKED])
    assert found["all"].mean() == found["new"].mean() == 1
    assert len(found["new"].households) < len(found["all"].households)


def test_what_a_household_knows_is_no_answer_to_the_question_for_new_products() -> None:
    fold, shown = cut(panel(), ASKED - 2), []

    def only_known(purchases: Purchases, week: int, households: np.ndarray) -> np.ndarray:
        known = (purchases.matrix(week)[households] > 0).toarray()
        shown.append(known.sum())
        return np.where(known, 1.0, -1.0).astype(np.float32)

    found = measure(only_known, fold, [ASKED])
    assert shown[0] > 0 and found["new"].mean() > 0
    assert found["all"].lead(found["all"]).value == 0
