"""Two matrix factorisations of the library implicit: ALS with confidences, and BPR.

Hu, Koren and Volinsky, Collaborative filtering for implicit feedback datasets, ICDM 2008; Rendle et al., BPR, UAI 2009.
ALS solves a household's vector anew from its history each week; BPR keeps those of the cut-off.
"""

import numpy as np
import scipy.sparse as sp

from benchmarks.models.protocol import Fold, Scorer
from benchmarks.models.rival import Rival
from include.evaluation.purchases import Purchases

SEED, THREADS = 20261121, 2


def als(cut: Fold, factors: int, alpha: float, tau: float) -> Scorer:
    from implicit.als import AlternatingLeastSquares

    def confidence(history: sp.csr_matrix) -> sp.csr_matrix:
        return (history.sqrt() * alpha).tocsr()

    model = AlternatingLeastSquares(factors=factors, regularization=0.05, iterations=15, random_state=SEED, num_threads=THREADS)
    model.fit(confidence(cut.purchases.matrix(cut.cut_off + 1, tau=tau)), show_progress=False)
    items = np.asarray(model.item_factors)

    def score(purchases: Purchases, week: int, households: np.ndarray) -> np.ndarray:
        history = confidence(purchases.matrix(week, tau=tau))[households]
        return np.asarray(model.recalculate_user(np.arange(len(households)), history)) @ items.T

    return score


def bpr(cut: Fold, factors: int, epochs: int) -> Scorer:
    from implicit.bpr import BayesianPersonalizedRanking

    model = BayesianPersonalizedRanking(
        factors=factors, learning_rate=0.05, regularization=0.002, iterations=epochs, random_state=SEED, num_threads=THREADS
    )
    model.fit((cut.purchases.matrix(cut.cut_off + 1) > 0).astype(np.float32), show_progress=False)
    users, items = np.asarray(model.user_factors), np.asarray(model.item_factors)
    return lambda purchases, week, households: users[households] @ items.T


RIVALS = (
    Rival(
        "ALS", "factors", "weighted matrix factorisation (implicit)", als,
        tuple({"factors": f, "alpha": a, "tau": 20.0} for f, a in ((32, 1.0), (64, 1.0), (64, 3.0))),
        {"all": 0.1290, "new": 0.0225}, noise=0.03,
    ),
    Rival(
        "BPR", "factors", "pairwise matrix factorisation (implicit)", bpr,
        ({"factors": 64, "epochs": 100}, {"factors": 128, "epochs": 200}), {"all": 0.0529, "new": 0.0038}, noise=0.2,
    ),
)  # fmt: skip
