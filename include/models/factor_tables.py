"""The product side of a model that reads product factors: the tables of a night, and the factors of its rows."""

from dataclasses import dataclass

import numpy as np

from include.errors import Refused
from include.models.tables import NightTables, ProductTable, night_tables
from include.models.vocabulary import Vocabulary


@dataclass(frozen=True)
class FactorTables(NightTables):
    """As NightTables; factors float32 [R, 2 D]: In and Out of each row (include/training/factors.py), zeros in row 0."""

    factors: np.ndarray


def factor_tables(table: ProductTable, vocabulary: Vocabulary, hot_products: int, hot_by: str) -> FactorTables:
    """A night's tables with factors.

    Raises:
        Refused: the night was assembled for a recipe without them.
    """
    if table.factors is None:
        raise Refused("The product table has no factors", "Assemble the examples with a recipe that asks for factors")
    chosen = np.flatnonzero(table.universe)
    rows = np.concatenate([np.zeros((1, table.factors.shape[1])), table.factors[chosen]]).astype(np.float32)
    return FactorTables(**vars(night_tables(table, vocabulary, hot_products, hot_by)), factors=rows)


def itself(rows: np.ndarray) -> np.ndarray:
    """float32 [R, 2]: In . Out of each row [R, 2 D] over all directions and over half of them."""
    inner, outer = halves(rows)
    each = np.cumsum(inner * outer, axis=1, dtype=np.float64)
    return each[:, [-1, max(1, inner.shape[1] // 2) - 1]].astype(np.float32)


def halves(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """In and Out of each row [R, 2 D], each [R, D]: two tables, since only slots are read by both."""
    inner, outer = (np.ascontiguousarray(half) for half in np.split(rows, 2, axis=1))
    return inner, outer
