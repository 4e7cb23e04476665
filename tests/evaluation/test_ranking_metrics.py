"""Metrics against a reference that walks each answer by hand."""

from math import log2

import numpy as np
import pytest

from include.evaluation import metrics


def reference(answer: list[int], right: set[int]) -> dict[str, float]:
    gain = sum(1 / log2(rank + 1) for rank, product in enumerate(answer[:10], 1) if product in right)
    ideal = sum(1 / log2(rank + 1) for rank in range(1, min(10, len(right)) + 1))
    top = [product for product in answer[:10] if product in right]
    return {
        "ndcg@10": gain / ideal,
        "recall@20": len(set(answer[:20]) & right) / len(right),
        "hit_rate@10": float(bool(top)),
        "precision@10": len(top) / 10,
    }


def test_every_metric_is_what_counting_by_hand_gives() -> None:
    rng = np.random.default_rng(1)
    answers = np.stack([rng.permutation(40)[:20] for _ in range(60)])
    right = [set(rng.choice(40, rng.integers(1, 25), replace=False).tolist()) for _ in range(60)]
    found = metrics.by_query(metrics.hits(answers, right), np.array([len(r) for r in right]))
    for i, (answer, relevant) in enumerate(zip(answers.tolist(), right, strict=True)):
        for name, value in reference(answer, relevant).items():
            assert found[name][i] == pytest.approx(value), name


def test_a_short_answer_counts_its_missing_places_as_misses() -> None:
    hit = metrics.hits(np.array([[3, -1, -1]]), [{3, 4}])
    found = metrics.by_query(hit, np.array([2]))
    assert found["recall@20"][0] == 0.5
    assert found["precision@10"][0] == pytest.approx(0.1)


def test_a_perfect_answer_has_ndcg_one() -> None:
    found = metrics.by_query(metrics.hits(np.array([[5, 6, 7, 8]]), [{5, 6}]), np.array([2]))
    assert found["ndcg@10"][0] == pytest.approx(1.0)


def test_a_query_without_a_relevant_product_is_refused() -> None:
    with pytest.raises(ValueError, match="no NDCG"):
        metrics.by_query(np.zeros((1, 20), bool), np.array([0]))


def test_coverage_counts_distinct_products_of_the_first_ten_places() -> None:
    first = np.tile(np.arange(20), (2, 1))
    assert metrics.coverage([first, np.full((1, 20), -1)], 100) == 0.1
    assert metrics.coverage([], 0) == 0.0
