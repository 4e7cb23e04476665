"""EASE, a linear item-item model without a diagonal, solved exactly over households instead of products, plus recency.

With X the 0/1 matrix of U households and V products, U far below V, and K = X X' + l I (Woodbury):

    P = (X'X + l I)^-1 = (I - X' K^-1 X) / l          score(h) = h - h P / diag(P) + own * recency(h)

H. Steck, Embarrassingly shallow autoencoders for sparse data, WWW 2019.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from benchmarks.models.protocol import Fold, Scorer
from benchmarks.models.rival import Rival, common
from include.evaluation import baselines
from include.evaluation.purchases import Purchases


@dataclass(frozen=True)
class Solved:
    """x 0/1 [U, V]; kx = K^-1 X float32 [U, V]; diagonal of P [V]; the penalty l."""

    x: sp.csr_matrix
    kx: np.ndarray
    diagonal: np.ndarray
    penalty: float

    def related(self, history: sp.csr_matrix) -> np.ndarray:
        """h B = h - h P / diag(P), float32 [n, V]: what the rest of a history says of each product."""
        dense = history.toarray()
        inverse = (dense - (history @ self.x.T).toarray() @ self.kx) / self.penalty
        return dense - inverse / self.diagonal


def solve(purchases: Purchases, before: int, penalty: float) -> Solved:
    x = (purchases.matrix(before) > 0).astype(np.float32)
    gram = (x @ x.T).toarray().astype(np.float64)
    gram[np.diag_indices_from(gram)] += penalty
    dense = x.toarray()
    kx = np.linalg.inv(gram).astype(np.float32) @ dense
    diagonal = (1 - np.einsum("uv,uv->v", dense, kx)) / penalty
    return Solved(x, kx, diagonal, penalty)


def ease(cut: Fold, penalty: float, tau: float | None = None, own: float = 0.0) -> Scorer:
    solved = common(cut, ("ease", penalty), lambda: solve(cut.purchases, cut.cut_off + 1, penalty))

    def score(purchases: Purchases, week: int, households: np.ndarray) -> np.ndarray:
        history = purchases.matrix(week, tau=tau)[households]
        if tau is None:
            history = (history > 0).astype(np.float32)
        scores = solved.related(history) + baselines.tie(purchases, week)
        return scores + own * purchases.matrix(week, tau=tau)[households].toarray() if own else scores

    return score


GRID = (
    {"penalty": 200.0},
    {"penalty": 1000.0},
    {"penalty": 400.0, "tau": 20.0, "own": 0.5},
    {"penalty": 400.0, "tau": 20.0, "own": 1.0},
)
RIVALS = (
    Rival(
        "EASE with recency", "linear", "products bought together, plus own recency", ease, GRID, {"all": 0.2833, "new": 0.0219}
    ),
)
