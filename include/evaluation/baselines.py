"""Three rankers without training that every candidate is measured against, in their best known setting.

    popularity   s(i)    = buyers of i in the last week
    recency      s(h, i) = sum over weeks in which h bought i of exp(-age / 20)
    item_knn     s(h, i) = sum over j in h's past of recency(h, j) * sim(j, i), where over household-weeks
                 sim(j, i) = together(j, i) / (sqrt(n_j * n_i) + 10), the 200 largest of each j are kept
                 (Deshpande and Karypis, Item-based top-N recommendation algorithms, ACM TOIS 2004)

The last two break ties by the popularity of the last eight weeks, at most 1e-5.
"""

from collections.abc import Callable

import numpy as np
import scipy.sparse as sp

from include.evaluation.purchases import Purchases

TAU = 20.0
NEIGHBOURS = 200
SHRINK = 10.0
_BLOCK = 2000

Scorer = Callable[[Purchases, int, np.ndarray], np.ndarray]
"""(purchases, before, households int [n]) -> scores float32 [n, V]; reads weeks < before only."""


def popularity(purchases: Purchases, before: int, households: np.ndarray) -> np.ndarray:
    return np.tile(purchases.buyers(before, last=1), (len(households), 1))


def recency(purchases: Purchases, before: int, households: np.ndarray, tau: float = TAU) -> np.ndarray:
    return purchases.matrix(before, tau=tau)[households].toarray() + tie(purchases, before)


class ItemKnn:
    """Item neighbours as of one week; the household's own decayed history may be of a later one."""

    def __init__(self, purchases: Purchases, before: int, neighbours: int = NEIGHBOURS) -> None:
        self.similar = similarity(_baskets(purchases, before), neighbours)

    def __call__(self, purchases: Purchases, before: int, households: np.ndarray) -> np.ndarray:
        history = purchases.matrix(before, tau=TAU)[households]
        return (history @ self.similar).toarray() + tie(purchases, before)


def similarity(baskets: sp.csr_matrix, neighbours: int = NEIGHBOURS) -> sp.csr_matrix:
    """Shrunken cosine of the columns of a 0/1 matrix, the largest of each row kept (ties with the last one too)."""
    count = np.asarray(baskets.sum(0)).ravel()
    columns = baskets.T.tocsr()
    blocks = []
    for start in range(0, columns.shape[0], _BLOCK):  # a block of rows at a time keeps the product in memory
        together = (columns[start : start + _BLOCK] @ baskets).tocoo()
        value = together.data / (np.sqrt(count[together.row + start] * count[together.col]) + SHRINK)
        blocks.append(
            _keep_largest(sp.csr_matrix((value.astype(np.float32), (together.row, together.col)), together.shape), neighbours)
        )
    return sp.vstack(blocks).tocsr()


def top(scores: np.ndarray, k: int = 20) -> np.ndarray:
    """Columns of the k largest scores of each row, best first: int [n, k]."""
    k = min(k, scores.shape[1])
    chosen = np.argpartition(-scores, k - 1, axis=1)[:, :k]
    order = np.argsort(-np.take_along_axis(scores, chosen, 1), axis=1, kind="stable")
    return np.take_along_axis(chosen, order, 1)


def answers(scorer: Scorer, purchases: Purchases, before: int, households: np.ndarray, k: int = 20) -> np.ndarray:
    """int [n, k] best products of each household, a few hundred households at a time."""
    parts = [top(scorer(purchases, before, households[i : i + 400]), k) for i in range(0, len(households), 400)]
    return np.concatenate(parts) if parts else np.zeros((0, k), np.int64)


def tie(purchases: Purchases, before: int) -> np.ndarray:
    """float32 [V]: at most 1e-5, by the popularity of the last eight weeks."""
    recent = purchases.buyers(before, last=8)
    return (1e-5 * recent / max(recent.max(initial=0.0), 1.0)).astype(np.float32)


def _baskets(purchases: Purchases, before: int) -> sp.csr_matrix:
    past = purchases.week < before
    week = purchases.week[past] - purchases.week[past].min(initial=0)
    rows = np.unique(purchases.household[past] * (int(week.max(initial=0)) + 1) + week, return_inverse=True)[1]
    shape = (int(rows.max(initial=-1)) + 1, purchases.shape[1])
    return sp.csr_matrix((np.ones(len(rows), np.float32), (rows, purchases.product[past])), shape=shape)


def _keep_largest(rows: sp.csr_matrix, k: int) -> sp.csr_matrix:
    for start, end in zip(rows.indptr[:-1], rows.indptr[1:], strict=True):
        if end - start > k:
            values = rows.data[start:end]
            values[values < np.partition(values, -k)[-k]] = 0
    rows.eliminate_zeros()
    return rows
