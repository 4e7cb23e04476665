"""Who bought what in which week: all that the simple rankers need."""

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp


class Purchases:
    """Distinct (household, product, week) triples as three int arrays.

    Weeks are whole numbers that grow with time. `before` in the methods is a week: only earlier ones are read.
    """

    def __init__(self, household: np.ndarray, product: np.ndarray, week: np.ndarray, shape: tuple[int, int]) -> None:
        self.household = np.asarray(household, np.int64)
        self.product = np.asarray(product, np.int64)
        self.week = np.asarray(week, np.int64)
        self.shape = shape

    def within(self, universe: np.ndarray) -> "Purchases":
        """Only the products of a bool mask [V], renumbered in their order."""
        number = np.cumsum(universe) - 1
        keep = universe[self.product]
        columns = number[self.product[keep]]
        return Purchases(self.household[keep], columns, self.week[keep], (self.shape[0], int(universe.sum())))

    def matrix(self, before: int, tau: float | None = None, last: int | None = None) -> sp.csr_matrix:
        """Households x products: the sum over earlier weeks of exp(-age / tau), or of 1 when tau is None.

        Age is 0 for the week just before; `last` reads that many weeks only.
        """
        age = before - 1 - self.week
        keep = age >= 0 if last is None else (age >= 0) & (age < last)
        values = np.ones(int(keep.sum()), np.float32) if tau is None else np.exp(-age[keep] / tau).astype(np.float32)
        return sp.csr_matrix((values, (self.household[keep], self.product[keep])), shape=self.shape, dtype=np.float32)

    def buyers(self, before: int, last: int | None = None) -> np.ndarray:
        """float32 [V]: household-weeks with a purchase, in the last weeks."""
        age = before - 1 - self.week
        keep = age >= 0 if last is None else (age >= 0) & (age < last)
        return np.bincount(self.product[keep], minlength=self.shape[1]).astype(np.float32)

    def known(self, before: int) -> np.ndarray:
        """bool [U]: households that bought anything earlier."""
        return np.bincount(self.household[self.week < before], minlength=self.shape[0]) > 0

    def relevant(self, week: int, households: Sequence[int] | np.ndarray) -> list[set[int]]:
        """What each of these households bought in that week."""
        now = self.week == week
        rows = sp.csr_matrix((np.ones(int(now.sum())), (self.household[now], self.product[now])), shape=self.shape)
        return [set(rows.indices[rows.indptr[h] : rows.indptr[h + 1]].tolist()) for h in households]
