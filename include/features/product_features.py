"""What the shop knows of each product as of a night, and of its promotion in the coming week: float32 [V, P]."""

import numpy as np

from include.features.counters import Counters
from include.features.pair_features import price_ratio
from include.features.spec import PRODUCT

YEAR = 364
"""Whole weeks, so that every weekday counts as often."""


class ProductState:
    """Counters of products as of a day; a window is the difference of two of them."""

    def __init__(self, products: Counters, day: int, known: int) -> None:
        self.products = products
        self.day = day
        self.known = known
        self.row = products.last_row(day)[:known]
        self._earlier = {days: products.last_row(day - days)[:known] for days in (7, 28, 84, YEAR)}

    def total(self, name: str) -> np.ndarray:
        """int64 [V]: the counter since the first day."""
        return self.products.at(f"{name}_total", self.row)

    def window(self, name: str, days: int) -> np.ndarray:
        """int64 [V]: the sum over the last `days` days, the night included."""
        return self.total(name) - self.products.at(f"{name}_total", self._earlier[days])

    def usual_price(self) -> np.ndarray:
        """float64 [V]: cents a unit over the last year, or over all time when nothing was sold in it."""
        units, cents = self.window("units", YEAR), self.window("cents", YEAR)
        return np.where(units > 0, cents, self.total("cents")) / np.where(units > 0, units, np.maximum(self.total("units"), 1))

    def price(self) -> np.ndarray:
        """float64 [V]: cents a unit over the last week, or on the last day of sale."""
        units, cents = self.window("units", 7), self.window("cents", 7)
        on_day = [self.products.at(name, self.row) for name in ("cents", "units")]
        return np.where(units > 0, cents, on_day[0]) / np.where(units > 0, units, np.maximum(on_day[1], 1))


def product_features(state: ProductState, first_day: np.ndarray, plan: np.ndarray) -> np.ndarray:
    """Features of all known products, in the order of spec.PRODUCT.

    Args:
        state: counters as of the night.
        first_day: int [V].
        plan: float64 [V, 2]: share of stores with the product on display, and in the mailer, in the coming week.
    """
    buyers = {days: state.window("buyers", days) for days in (7, 28, 84, YEAR)}
    new = {days: state.window("new_buyers", days) for days in (7, 28)}
    usual = state.usual_price()
    given, paid = state.window("discount_cents", 28), state.window("cents", 28)
    total = np.maximum(state.total("buyers"), 1)
    values = {
        **{f"buyers_{days}": np.log1p(count) for days, count in buyers.items()},
        "trend": np.log((4.0 * buyers[7] + 1.0) / (buyers[28] + 1.0)),
        **{f"new_buyers_{days}": np.log1p(count) for days, count in new.items()},
        "repeat_rate": 1.0 - state.total("new_buyers") / total,
        "usual_price": np.log1p(usual),
        "price_against_usual": price_ratio(state.price(), usual),
        "discount_share_28": given / np.maximum(given + paid, 1),
        "display_share": plan[:, 0],
        "mailer_share": plan[:, 1],
        "age": np.log1p(state.day - first_day),
        "recency": np.log1p(state.day - state.products.day[state.row]),
    }
    return np.stack([np.asarray(values[name], np.float32) for name in PRODUCT], axis=1)
