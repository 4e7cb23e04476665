"""What households ask for: one synthetic question for each type that a household bought in the week after a night.

Relevant are the products of that type (all products whose type has the same words) that the household bought in it.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from include.models.query_tables import queries_of
from include.models.tables import ProductTable
from include.training.examples import Examples


@dataclass(frozen=True)
class Asked:
    """A household (its place in the examples) means a type: its words, its category, the products bought of it."""

    household: int
    plain: str
    category: str
    bought: tuple[int, ...]


class Types:
    """The types of one night's products: `plain` [V] strings by product index, "" for a product without a type."""

    def __init__(self, table: ProductTable) -> None:
        self.plain = np.array(queries_of(table.types), object)
        self.category = table.categories

    def group(self, products: np.ndarray) -> dict[str, list[int]]:
        """Products by type, in the order of the types' words; products without a type are left out."""
        found: dict[str, list[int]] = {}
        for product in products.tolist():
            found.setdefault(self.plain[product], []).append(product)
        found.pop("", None)
        return dict(sorted(found.items()))


def asked_of(
    examples: Examples, types: Types, limit: int, seed: str, chosen: Sequence[int] | np.ndarray | None = None
) -> list[Asked]:
    """At most `limit` types of each household, or of some, drawn by the seed and the household's name: always the same ones."""
    found = []
    for i in range(len(examples)) if chosen is None else map(int, chosen):
        groups = types.group(examples.bought.row(i))
        drawn = sorted(random.Random(f"{seed} {examples.household[i]}").sample(list(groups), min(limit, len(groups))))
        found += [Asked(i, plain, str(types.category[groups[plain][0]]), tuple(groups[plain])) for plain in drawn]
    return found


def sample_queries(table: ProductTable, n: int) -> np.ndarray:
    """Queries [n] for a bundle's golden questions and warm-up: well-bought types in turn, and an empty query.

    The first is an ordinary one, the third is empty.
    """
    inside = np.flatnonzero(table.universe)
    order = inside[np.argsort(-table.trend[inside], kind="stable")]
    texts = list(dict.fromkeys(plain for plain in queries_of(table.types[order]) if plain))[: max(n, 1)] or [""]
    found = [texts[i % len(texts)] for i in range(n)]
    found[2:3] = [""] if n > 2 else []
    return np.array(found, object)
