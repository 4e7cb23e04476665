"""Popularity and habit among the products of one type: the rivals of a surface that is asked with a query.

They are told the type that is meant, however it was asked for, so a misspelt query costs the candidate and not them. The
formulas are those of baselines.py; products of other types are left out.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from include.evaluation import baselines
from include.evaluation.purchases import Purchases

RIVALS = ("popularity", "recency")


class WithinType:
    """The rivals as of one week.

    Args:
        purchases: of the universe only; weeks < before are read.
        plain: the type's words of each product of the universe [U].
    """

    def __init__(self, purchases: Purchases, before: int, plain: np.ndarray) -> None:
        self._scores = {
            "popularity": purchases.buyers(before, last=1) + 1e-5 * purchases.buyers(before, last=8),
            "tie": baselines.tie(purchases, before),
        }
        self._past = purchases.matrix(before, tau=baselines.TAU)
        self._members: dict[str, np.ndarray] = {}
        order = np.argsort(plain.astype(str), kind="stable")
        names, starts = np.unique(plain[order].astype(str), return_index=True)
        for name, members in zip(names.tolist(), np.split(order, starts[1:]), strict=True):
            self._members[name] = np.sort(members)

    def answers(self, rival: str, asked: Sequence[tuple[int, str]], k: int = 20) -> np.ndarray:
        """Best products int [Q, k] of each (household, type), -1 where the type has fewer; a household of -1 is new."""
        found = np.full((len(asked), k), -1, np.int64)
        rows: Mapping[int, np.ndarray] = {}
        for i, (household, plain) in enumerate(asked):
            members = self._members.get(plain)
            if members is None:
                continue
            if rival == "popularity":
                scores = self._scores["popularity"][members]
            else:
                if household not in rows:  # questions of a household stand together
                    rows = {household: self._row(household)}
                scores = rows[household][members] + self._scores["tie"][members]
            best = members[np.argsort(-scores, kind="stable")[:k]]
            found[i, : len(best)] = best
        return found

    def _row(self, household: int) -> np.ndarray:
        return self._past[household].toarray().ravel() if household >= 0 else np.zeros(self._past.shape[1], np.float32)
