"""Ranking metrics of one query each: binary relevance, cut at 10 or 20.

With rank r from 1, `rel(r)` in {0, 1} and n the number of relevant products of the query:

    NDCG@10      = sum_{r<=10} rel(r) / log2(r + 1)  /  sum_{r<=min(10, n)} 1 / log2(r + 1)
    recall@20    = hits in the first 20 / n
    hit_rate@10  = 1 if there is a hit in the first 10
    precision@10 = hits in the first 10 / 10
    type@1       = 1 if the first product is of the type that a query means (only where there are queries)

NDCG: Järvelin and Kekäläinen, Cumulated gain-based evaluation of IR techniques, ACM TOIS 2002.
"""

from collections.abc import Iterable, Sequence

import numpy as np

NAMES = ("ndcg@10", "recall@20", "hit_rate@10", "precision@10")
TYPE_AT_1 = "type@1"
_DISCOUNT = 1.0 / np.log2(np.arange(2, 12))
_IDEAL = np.concatenate([[0.0], np.cumsum(_DISCOUNT)])


def hits(answers: np.ndarray, relevant: Sequence[set[int]]) -> np.ndarray:
    """Where an answer is right: answers int [Q, K] (negative = empty place) and Q sets give bool [Q, K]."""
    return np.array([[int(product) in right for product in row] for row, right in zip(answers, relevant, strict=True)], bool)


def by_query(hit: np.ndarray, relevant: np.ndarray) -> dict[str, np.ndarray]:
    """Every metric of every query.

    Args:
        hit: bool [Q, K], best place first; K may be under 20, the missing places count as misses.
        relevant: int [Q], number of relevant products of each query, at least 1.
    """
    if len(relevant) and relevant.min() < 1:
        raise ValueError("a query without a relevant product has no NDCG")
    wide = np.zeros((len(hit), 20), float)
    wide[:, : hit.shape[1]] = hit[:, :20]
    top = wide[:, :10]
    return {
        "ndcg@10": top @ _DISCOUNT / _IDEAL[np.minimum(relevant, 10)],
        "recall@20": wide.sum(1) / relevant,
        "hit_rate@10": (top.sum(1) > 0).astype(float),
        "precision@10": top.sum(1) / 10,
    }


def coverage(answers: Iterable[np.ndarray], universe: int) -> float:
    """Share of the universe's products that appear in the first ten places of any answer [Q, K]."""
    seen = {int(product) for block in answers for product in np.unique(block[:, :10]) if product >= 0}
    return len(seen) / universe if universe else 0.0
