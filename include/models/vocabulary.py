"""What a trained model knows by name: products, types and categories. Number 0 is "unknown"."""

from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict


class Vocabulary(BaseModel):
    """Frozen when training starts; a product that the shop adds later has number 0 but still a type and a category."""

    model_config = ConfigDict(frozen=True)

    products: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()

    @classmethod
    def of(cls, products: Sequence[str], types: Sequence[str], categories: Sequence[str]) -> "Vocabulary":
        """Distinct names in their alphabetical order; missing ones (empty) stay unknown."""
        return cls(products=_distinct(products), types=_distinct(types), categories=_distinct(categories))

    def numbers(self, field: str, names: Sequence[str]) -> np.ndarray:
        """int32 [n]: 1 + place in `products`, `types` or `categories`; 0 for a name that is not there."""
        place = {name: i + 1 for i, name in enumerate(getattr(self, field))}
        return np.array([place.get(str(name), 0) for name in names], np.int32)


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted({str(name) for name in names} - {""}))
