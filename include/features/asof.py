"""The shop as it was known at the end of a night. Everything that a model reads comes through here.

`History` reads the published partitions up to a night; `History.view` looks at the shop as of that night or any earlier
one and never sees a later row. Windows are differences of two counters, decays are sums of daily partials in date
order, so what a view says does not depend on how far the history was loaded.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from include.errors import Refused
from include.features.chain import catalogue_night, read_nights
from include.features.counters import day_number
from include.features.household_features import household_features
from include.features.pair_features import pair_features
from include.features.plan import plan_shares
from include.features.product_features import ProductState, product_features
from include.features.rows import Rows
from include.features.spec import SPEC
from include.store.objects import Store
from include.store.partitions import fetch

CONTENT = ("department", "category", "type", "manufacturer", "brand")


class History:
    """All that was published up to a night."""

    def __init__(self, store: Store, first: dt.date, night: dt.date, rows: Rows, id_map: str) -> None:
        self.store = store
        self.first = first
        self.night = night
        self.rows = rows
        self.id_map = id_map

    @classmethod
    def load(cls, store: Store, night: dt.date) -> Self:
        """Read every partition up to the night; each file's digest is checked.

        Raises:
            Missing: the night is not published. Damaged: a file has other bytes. Refused: nights do not stand on each
            other.
        """
        nights = read_nights(store, night)
        return cls(store, nights[0].night, night, Rows(store, nights), nights[-1].complete.id_map)

    def view(self, night: dt.date) -> "NightView":
        """The shop as of a night within what was loaded."""
        if not self.first <= night <= self.night:
            raise Refused(f"Night {night} is not within {self.first} to {self.night}", "Load the history up to that night")
        return NightView(self, night)

    def bought(self, first: dt.date, last: dt.date) -> dict[str, set[int]]:
        """Household -> indexes of the products that it bought from first to last (merchandise only)."""
        if last > self.night:
            raise Refused(f"Purchases up to {last} are not known on night {self.night}", "Load the history up to that day")
        pairs = self.rows.pairs
        rows = np.flatnonzero((pairs.day >= day_number(first)) & (pairs.day <= day_number(last)))
        chosen = np.unique(pairs.entity[rows])
        found: dict[str, set[int]] = defaultdict(set)
        owners, products = self.rows.pair_household[chosen].tolist(), self.rows.pair_product[chosen].tolist()
        for owner, product in zip(owners, products, strict=True):
            found[self.rows.households[owner]].add(product)
        return dict(found)

    def active(self, night: dt.date, days: int = 28) -> list[str]:
        """Sorted households with a purchase in the last `days` days up to a night."""
        visits, end = self.rows.visits, day_number(night)
        here = (visits.day <= end) & (visits.day > end - days)
        return [self.rows.households[code] for code in np.unique(visits.entity[here])]


class NightView:
    """The shop as of one night.

    product_ids: shop ids by product index, V of them; universe bool [V]; product_features float32 [V, P] by
    spec.PRODUCT; content: {department, category, type, manufacturer, brand: object array of strings [V], "" unknown};
    households: sorted list of those with a purchase so far.
    """

    def __init__(self, history: History, night: dt.date) -> None:
        self.night = night
        self._history = history
        self._rows = history.rows
        self._day = day_number(night)
        self._known = history.rows.products_until(night)
        self.product_ids: list[str] = self._ids.to_pylist()

    @property
    def _ids(self) -> pa.Array:
        return self._rows.product_ids.slice(0, self._known)

    @cached_property
    def _state(self) -> ProductState:
        return ProductState(self._rows.products, self._day, self._known)

    @cached_property
    def universe(self) -> np.ndarray:
        return self._state.total("new_buyers") >= SPEC.universe_households

    @cached_property
    def product_features(self) -> np.ndarray:
        plan = plan_shares(self._history.store, self.night, self._ids)
        return product_features(self._state, self._rows.first_day[: self._known], plan)

    @cached_property
    def content(self) -> dict[str, np.ndarray]:
        store = self._history.store
        table = pq.read_table(fetch(store, "products", [catalogue_night(store, self.night)])[0])
        place = pc.index_in(self._ids, value_set=table["product"].combine_chunks())
        return {name: table[name].fill_null("").take(place).fill_null("").to_numpy() for name in CONTENT}

    @cached_property
    def households(self) -> list[str]:
        here = self._rows.visits.rows_until(self._day) > 0
        return [self._rows.households[code] for code in np.flatnonzero(here)]

    def household_inputs(self, households: Sequence[str], slots: int) -> dict[str, np.ndarray]:
        """What a model is asked about these households, B of them.

        Returns history_product int32 [B, H] (-1 is an empty slot), history_features float32 [B, H, F],
        household_features float32 [B, G]. H is the longest history of the batch, at least 1 and at most `slots`; the
        most recent products are kept, ties by number of purchase days, then by index, and stand in that order. A
        household without a purchase so far has empty slots and zeros.
        """
        codes = np.array([self._code.get(household, -1) for household in households], np.int64)
        pairs, row, slot = self._choose(codes, slots)
        width = max(1, int(slot.max(initial=0)) + 1)
        product = np.full((len(codes), width), -1, np.int32)
        product[row, slot] = self._rows.pair_product[pairs]
        values = self._pair_features(pairs)
        features = np.zeros((len(codes), width, values.shape[1]), np.float32)
        features[row, slot] = values
        return {"history_product": product, "history_features": features, "household_features": self._visits(codes)}

    @cached_property
    def _code(self) -> dict[str, int]:
        return {household: code for code, household in enumerate(self._rows.households)}

    @cached_property
    def _ranked(self) -> tuple[np.ndarray, np.ndarray]:
        """Pairs known on the night, by household and then as slots are given; and where each household begins."""
        pairs, last = self._rows.pairs, self._last_row
        known = np.flatnonzero(last >= 0)
        recency = self._day - pairs.day[last[known]]
        order = np.lexsort((-pairs.at("days_total", last[known]), recency, self._rows.pair_household[known]))
        ranked = known[order]
        owners = self._rows.pair_household[ranked]
        return ranked, np.searchsorted(owners, np.arange(len(self._rows.households) + 1))

    @cached_property
    def _last_row(self) -> np.ndarray:
        return self._rows.pairs.last_row(self._day)

    def _choose(self, codes: np.ndarray, slots: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The pairs of these households that get a slot: int [n] each of pair, row of the batch, slot."""
        ranked, start = self._ranked
        here = np.maximum(codes, 0)
        length = np.where(codes >= 0, np.minimum(start[here + 1] - start[here], slots), 0) if len(start) > 1 else codes * 0
        row = np.repeat(np.arange(len(codes)), length)
        slot = np.arange(len(row)) - np.repeat(np.cumsum(length) - length, length)
        return ranked[start[here[row]] + slot] if len(row) else row, row, slot

    def _pair_features(self, pairs: np.ndarray) -> np.ndarray:
        rows = self._rows
        usual = self._state.usual_price()[rows.pair_product[pairs]]
        visits = rows.visits.at("days_total", rows.visits.last_row(self._day))[rows.pair_household[pairs]]
        return pair_features(rows.pairs, pairs, self._day, rows.pair_first_day[pairs], usual, visits)

    def _visits(self, codes: np.ndarray) -> np.ndarray:
        table = household_features(self._rows.visits, np.maximum(codes, 0), self._day) if self._rows.households else None
        empty = np.zeros((len(codes), len(SPEC.household)), np.float32)
        return empty if table is None else np.where((codes >= 0)[:, None], table, np.float32(0.0))
