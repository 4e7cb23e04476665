"""The product side of a model as of one night: which products may be answered, and what is known of each.

Everything here is made anew for every night from that night's product table, so that a gate can ask a model of today
as it would have stood on an earlier night, and no table ever comes from a later one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from include.models.vocabulary import Vocabulary


@dataclass(frozen=True)
class ProductTable:
    """All products of the shop as of one night, by product index.

    ids [V] strings; universe bool [V]; features float32 [V, P] by `names`; types, categories [V] strings ("" unknown);
    recent float32 [V]: buyers of the last seven days (not transformed); trend float32 [V]: buyers of the last 28 days;
    factors float32 [V, 2 D], where the recipe asks for them: see include/training/factors.py.
    """

    ids: np.ndarray
    universe: np.ndarray
    features: np.ndarray
    types: np.ndarray
    categories: np.ndarray
    recent: np.ndarray
    trend: np.ndarray
    factors: np.ndarray | None = None


@dataclass(frozen=True)
class NightTables:
    """The universe only, in rows. Row 0 stands for every product that may not be answered.

    row_of int32 [V + 1]: product index -> row; the last entry is for an empty slot or a product of a later night.
    ids [R] strings, "" in row 0; features float32 [R, P], zeros in row 0;
    product, type, category int32 [R]: numbers in the model's vocabulary;
    hot int32 [N]: rows that every household is ranked on, best first; 0 where the universe is smaller than N;
    hot_place int32 [R]: place in `hot`, or N; recent float32 [R].
    """

    row_of: np.ndarray
    ids: np.ndarray
    features: np.ndarray
    product: np.ndarray
    type: np.ndarray
    category: np.ndarray
    hot: np.ndarray
    hot_place: np.ndarray
    recent: np.ndarray

    @property
    def rows(self) -> int:
        return len(self.ids)


def night_tables(table: ProductTable, vocabulary: Vocabulary, hot_products: int, hot_by: str = "trend") -> NightTables:
    """Keep the universe, number it by the vocabulary, and pick the hot products.

    Args:
        hot_by: `trend` or `recent`: the product-side score that the hot products are the largest of.
    """
    chosen = np.flatnonzero(table.universe)
    row_of = np.zeros(len(table.ids) + 1, np.int32)
    row_of[chosen] = np.arange(1, len(chosen) + 1, dtype=np.int32)
    score = np.concatenate([[-1.0], getattr(table, hot_by)[chosen]])
    hot = _largest(score, table, chosen, hot_products)
    hot_place = np.full(len(chosen) + 1, hot_products, np.int32)
    hot_place[hot[hot > 0]] = np.flatnonzero(hot > 0)
    return NightTables(
        row_of=row_of,
        ids=np.concatenate([[""], table.ids[chosen]]).astype(object),
        features=_with_empty_row(table.features[chosen]),
        product=_numbers(vocabulary, "products", table.ids[chosen]),
        type=_numbers(vocabulary, "types", table.types[chosen]),
        category=_numbers(vocabulary, "categories", table.categories[chosen]),
        hot=hot,
        hot_place=hot_place,
        recent=np.concatenate([[0.0], table.recent[chosen]]).astype(np.float32),
    )


def _largest(score: np.ndarray, table: ProductTable, chosen: np.ndarray, n: int) -> np.ndarray:
    """int32 [n] rows by score; ties by the other popularity, then by the older product."""
    second = np.concatenate([[-1.0], table.recent[chosen] + table.trend[chosen]])
    order = np.lexsort((np.arange(len(score)), -second, -score))
    order = order[order > 0][:n]
    return np.pad(order, (0, n - len(order))).astype(np.int32)


def _with_empty_row(values: np.ndarray) -> np.ndarray:
    return np.concatenate([np.zeros((1, values.shape[1])), values]).astype(np.float32)


def _numbers(vocabulary: Vocabulary, field: str, names: Sequence[str] | np.ndarray) -> np.ndarray:
    return np.concatenate([[0], vocabulary.numbers(field, list(names))]).astype(np.int32)
