"""A shop small enough to know by heart, with the reading interface of the feature store's history."""

import datetime as dt
from collections.abc import Sequence

import numpy as np

from include.recipes.recipe import Recipe

FIRST = dt.date(2017, 1, 1)
NIGHT = FIRST + dt.timedelta(days=7 * 14 - 1)
WIDTHS = {"history": 3, "product": 3, "household": 2}
RECIPE = Recipe(
    surface="home", name="quick", model="pair_ranker", train_weeks=4, gate_weeks=2, hot_products=16,
    history_slots=40, embedding=4, hidden=(16, 8), epochs=6, batch=16, learning_rate=0.01,
)  # fmt: skip


class ToyHistory:
    """Events are rows of (household, product, day). A view sees days up to its night; `later` proves it.

    Every household has six favourites that it buys in turn, one each day, and now and then something else.
    """

    first = FIRST

    def __init__(self, households: int = 48, products: int = 60, days: int = 7 * 15, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        favourite = np.stack([rng.choice(products, 6, replace=False) for _ in range(households)])
        day, who = (part.ravel() for part in np.meshgrid(np.arange(days), np.arange(households), indexing="ij"))
        regular = favourite[who, (day + who) % 6]
        other = np.where(rng.random(len(day)) < 0.3, rng.integers(0, products, len(day)), regular)
        self.events = np.unique(np.stack([who, other, day], axis=1), axis=0)
        self.products = products

    def view(self, night: dt.date) -> "ToyView":
        return ToyView(self.events[self.events[:, 2] <= (night - FIRST).days], self.products, night)

    def bought(self, first: dt.date, last: dt.date) -> dict[str, set[int]]:
        days = self.events[:, 2]
        found: dict[str, set[int]] = {}
        for household, product, _ in self.events[(days >= (first - FIRST).days) & (days <= (last - FIRST).days)].tolist():
            found.setdefault(f"h{household}", set()).add(product)
        return found


class ToyView:
    """One night of the toy shop."""

    def __init__(self, events: np.ndarray, products: int, night: dt.date) -> None:
        self.events, self.day = events, (night - FIRST).days
        self.product_ids = [f"p{i}" for i in range(products)]
        pairs = np.unique(events[:, :2], axis=0)
        self.universe = np.bincount(pairs[:, 1], minlength=products) >= 2
        week = np.bincount(events[events[:, 2] > self.day - 7, 1], minlength=products)
        total = np.bincount(events[:, 1], minlength=products)
        self.product_features = np.stack([np.log1p(week), np.log1p(total), np.ones(products)], axis=1).astype(np.float32)
        numbers = np.arange(products)
        self.content = {
            "type": np.array([f"t{i}" for i in numbers % 9], object),
            "category": np.array([f"c{i}" if i else "" for i in numbers % 3], object),
        }
        self.households = sorted({f"h{i}" for i in events[:, 0].tolist()})

    def household_inputs(self, households: Sequence[str], slots: int) -> dict[str, np.ndarray]:
        rows = [self._pairs(name)[:slots] for name in households]
        width = max([1, *(len(row) for row in rows)])
        product = np.full((len(rows), width), -1, np.int32)
        features = np.zeros((len(rows), width, 3), np.float32)
        household = np.zeros((len(rows), 2), np.float32)
        for i, row in enumerate(rows):
            for j, (item, last, count) in enumerate(row):
                product[i, j] = item
                features[i, j] = np.log1p(self.day - last), np.log1p(count), float(count == 1)
            household[i] = len(row) / 10, 1.0
        return {"history_product": product, "history_features": features, "household_features": household}

    def _pairs(self, name: str) -> list[tuple[int, int, int]]:
        own = self.events[self.events[:, 0] == int(name[1:] or -1)]
        days: dict[int, list[int]] = {}
        for _, product, day in own.tolist():
            days.setdefault(product, []).append(day)
        return sorted(((p, max(d), len(d)) for p, d in days.items()), key=lambda pair: (-pair[1], -pair[2], pair[0]))
