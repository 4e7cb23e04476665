"""The three simple rankers against loops that follow their formulas, and proof that they never look ahead."""

from math import exp, sqrt

import numpy as np
import pytest

from include.evaluation import baselines
from include.evaluation.purchases import Purchases

U, V, WEEKS = 12, 15, 9


def purchases(seed: int = 0, until: int = WEEKS) -> Purchases:
    rng = np.random.default_rng(seed)
    triples = np.unique(rng.integers(0, [U, V, WEEKS], (250, 3)), axis=0)
    triples = triples[triples[:, 2] < until]
    return Purchases(*triples.T, (U, V))


def triples(found: Purchases) -> set[tuple[int, int, int]]:
    return set(zip(found.household.tolist(), found.product.tolist(), found.week.tolist(), strict=True))


def tie(known: set[tuple[int, int, int]], before: int) -> np.ndarray:
    recent = np.array([sum(p == i and before - 8 <= w < before for _, p, w in known) for i in range(V)], float)
    return 1e-5 * recent / recent.max()


def test_popularity_counts_the_buyers_of_the_last_week() -> None:
    found = purchases()
    scores = baselines.popularity(found, 8, np.arange(3))
    assert scores[0].tolist() == [sum(p == i and w == 7 for _, p, w in triples(found)) for i in range(V)]
    assert (scores == scores[0]).all()


def test_recency_decays_every_purchase_week() -> None:
    found = purchases()
    known = triples(found)
    scores = baselines.recency(found, 8, np.arange(U))
    for household in range(U):
        own = [sum(exp(-(7 - w) / 20) for h, p, w in known if (h, p) == (household, i) and w < 8) for i in range(V)]
        assert scores[household] == pytest.approx(np.array(own) + tie(known, 8), abs=1e-5)


def test_item_knn_weighs_neighbours_by_shared_household_weeks() -> None:
    found = purchases()
    known = {t for t in triples(found) if t[2] < 8}
    baskets = [{p for h, p, w in known if (h, w) == key} for key in {(h, w) for h, _, w in known}]
    count = [sum(i in basket for basket in baskets) for i in range(V)]
    together = [[sum(i in b and j in b for b in baskets) for j in range(V)] for i in range(V)]
    similar = np.array([[together[i][j] / (sqrt(count[i] * count[j]) + 10) for j in range(V)] for i in range(V)])
    history = baselines.recency(found, 8, np.arange(U)) - tie(known, 8)
    scores = baselines.ItemKnn(found, 8)(found, 8, np.arange(U))
    assert scores == pytest.approx(history @ similar + tie(known, 8), abs=1e-4)


def test_only_the_nearest_neighbours_are_kept() -> None:
    baskets = purchases().matrix(WEEKS).sign()
    every, kept = (baselines.similarity(baskets, neighbours=n).toarray() for n in (V, 3))
    third = np.sort(every, axis=1)[:, -3:-2]
    assert kept == pytest.approx(np.where(every >= third, every, 0))  # ties with the third stay


@pytest.mark.parametrize("name", ["popularity", "recency", "item_knn"])
def test_later_purchases_change_nothing(name: str) -> None:
    def ask(found: Purchases) -> np.ndarray:
        scorer = baselines.ItemKnn(found, 6) if name == "item_knn" else getattr(baselines, name)
        return baselines.answers(scorer, found, 6, np.arange(U), 5)

    assert (ask(purchases()) == ask(purchases(until=6))).all()


def test_a_universe_renumbers_products_and_keeps_the_rest_out() -> None:
    found = purchases()
    universe = np.arange(V) % 2 == 1
    inside = found.within(universe)
    assert triples(inside) == {(h, p // 2, w) for h, p, w in triples(found) if p % 2 == 1}
    assert inside.shape == (U, universe.sum())
