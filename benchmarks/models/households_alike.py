"""Two rivals by neighbouring households: TIFU-kNN, and cosine neighbours of faded histories.

TIFU-kNN groups weeks by 7, fades by r_b inside a group and by r_g between groups, and mixes a household's vector with the mean
of its k nearest (Hu et al., Modeling personalized item frequency information for next-basket recommendation, SIGIR 2020).
"""

import numpy as np
import scipy.sparse as sp

from benchmarks.models.protocol import Fold, Scorer
from benchmarks.models.rival import Rival
from include.evaluation import baselines
from include.evaluation.purchases import Purchases

GROUP, FADE, BETWEEN = 7, 0.97, 0.8


def tifu(cut: Fold, k: int, alpha: float) -> Scorer:
    def score(purchases: Purchases, week: int, households: np.ndarray) -> np.ndarray:
        age = week - 1 - purchases.week
        past = age >= 0
        value = (FADE ** (age[past] % GROUP) * BETWEEN ** (age[past] // GROUP)).astype(np.float32)
        vectors = sp.csr_matrix((value, (purchases.household[past], purchases.product[past])), shape=purchases.shape)
        square = np.asarray(vectors.multiply(vectors).sum(1)).ravel()
        distance = square[households][:, None] + square[None] - 2 * (vectors[households] @ vectors.T).toarray()
        distance[:, square == 0] = np.inf
        weight = np.full((len(households), k), 1 / k, np.float32)
        near = _nearest(distance, households, k)
        return _mixed(vectors, households, near, weight, alpha) + baselines.tie(purchases, week)

    return score


def cosine(cut: Fold, k: int, alpha: float, tau: float) -> Scorer:
    def score(purchases: Purchases, week: int, households: np.ndarray) -> np.ndarray:
        vectors = purchases.matrix(week, tau=tau)
        return mixed_by_cosine(vectors, households, k, alpha) + baselines.tie(purchases, week)

    return score


def mixed_by_cosine(vectors: sp.csr_matrix, households: np.ndarray, k: int, alpha: float) -> np.ndarray:
    """alpha of a household's own vector [n, V] and 1 - alpha of the mean of its neighbours', weighted by likeness."""
    length = np.sqrt(np.asarray(vectors.multiply(vectors).sum(1)).ravel())
    unit = sp.diags(1 / np.where(length > 0, length, 1.0)) @ vectors
    alike = (unit[households] @ unit.T).toarray()
    near = _nearest(-alike, households, k)
    weight = np.take_along_axis(alike, near, 1).clip(0)
    weight /= weight.sum(1, keepdims=True).clip(1e-6)
    return _mixed(vectors, households, near, weight, alpha)


def _nearest(distance: np.ndarray, households: np.ndarray, k: int) -> np.ndarray:
    distance[np.arange(len(households)), households] = np.inf
    return np.argpartition(distance, k, axis=1)[:, :k]


def _mixed(vectors: sp.csr_matrix, households: np.ndarray, near: np.ndarray, weight: np.ndarray, alpha: float) -> np.ndarray:
    row = np.repeat(np.arange(len(households)), near.shape[1])
    shape = (len(households), vectors.shape[0])
    others = sp.csr_matrix((weight.ravel().astype(np.float32), (row, near.ravel())), shape=shape)
    return alpha * vectors[households].toarray() + (1 - alpha) * (others @ vectors).toarray()


RIVALS = (
    Rival(
        "TIFU-kNN", "neighbours", "faded histories of the household and of k others", tifu,
        tuple({"k": k, "alpha": a} for k in (100, 300) for a in (0.2, 0.5, 0.8)), {"all": 0.2794, "new": 0.0168},
    ),
    Rival(
        "user-kNN", "neighbours", "the same by cosine", cosine,
        tuple({"k": 100, "alpha": a, "tau": t} for a, t in ((0.2, 8.0), (0.5, 8.0), (0.8, 8.0), (0.5, 20.0))),
        {"all": 0.2775, "new": 0.0214},
    ),
)  # fmt: skip
