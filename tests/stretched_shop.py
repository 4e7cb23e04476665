"""The toy shop with as many features as a real one."""

import datetime as dt
from collections.abc import Mapping, Sequence

import numpy as np

from tests import toy_shop


class StretchedView(toy_shop.ToyView):
    """Features of the toy shop, repeated to other widths; the toy shop's own are divisors of them."""

    def __init__(self, events: np.ndarray, products: int, night: dt.date, widths: Mapping[str, int]) -> None:
        super().__init__(events, products, night)
        self._widths = widths
        self.product_features = np.tile(self.product_features, widths["product"] // toy_shop.WIDTHS["product"])

    def household_inputs(self, households: Sequence[str], slots: int) -> dict[str, np.ndarray]:
        found = super().household_inputs(households, slots)
        for side in ("history", "household"):
            many = self._widths[side] // toy_shop.WIDTHS[side]
            name = f"{side}_features"
            found[name] = np.tile(found[name], (1,) * (found[name].ndim - 1) + (many,))
        return found


class StretchedHistory(toy_shop.ToyHistory):
    """As ToyHistory, of such views."""

    def __init__(self, widths: Mapping[str, int], households: int, products: int) -> None:
        super().__init__(households=households, products=products)
        self._widths = widths

    def view(self, night: dt.date) -> StretchedView:
        seen = self.events[self.events[:, 2] <= (night - toy_shop.FIRST).days]
        return StretchedView(seen, self.products, night, self._widths)
