"""The shop as it was known at the end of a night. Everything that a model reads comes through here.

`History` reads the published partitions up to a night; `History.view` looks at the shop as of that night or any earlier
one and never sees what became known later. Windows are differences of two counters, decays are sums of daily partials in date
order, so what a view says does not depend on how far the history was loaded.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Self

import numpy as np
import pyarrow as pa

from include.errors import Refused
from include.features.algebra import Lookup, Total
from include.features.chain import read_nights
from include.features.counters import day_number
from include.features.holidays import facts
from include.features.lookups import TABLES
from include.features.numpy_engine import Frame, night_features
from include.features.rows import Rows
from include.features.slots import Ranked
from include.features.spec import SPEC, FeatureSpec
from include.store.objects import Store

CONTENT = ("department", "category", "type", "manufacturer", "brand")
"""The texts of a product that a view shows by name, whatever the recipe."""


class History:
    """All that was published up to a night, as far as a spec reads it."""

    def __init__(
        self, store: Store, first: dt.date, night: dt.date, rows: Rows, id_map: str, spec: FeatureSpec, country: str
    ) -> None:
        self.store = store
        self.spec = spec
        self.country = country
        self.first = first
        self.night = night
        self.rows = rows
        self.id_map = id_map

    @classmethod
    def load(cls, store: Store, night: dt.date, spec: FeatureSpec = SPEC, country: str = "") -> Self:
        """Read every partition up to the night; each file's digest is checked. `country` is whose holidays count.

        Raises:
            Missing: the night is not published. Damaged: a file has other bytes. Refused: nights do not stand on each
            other.
        """
        nights = read_nights(store, night)
        rows = Rows(store, nights, spec.counters)
        return cls(store, nights[0].night, night, rows, nights[-1].complete.id_map, spec, country)

    def view(self, night: dt.date) -> "NightView":
        """The shop as of a night within what was loaded."""
        if not self.first <= night <= self.night:
            raise Refused(f"Night {night} is not within {self.first} to {self.night}", "Load the history up to that night")
        return NightView(self, night)

    def bought(self, first: dt.date, last: dt.date) -> dict[str, set[int]]:
        """Household -> indexes of the products that it bought from first to last (merchandise only), as known at the end of
        `last`: a purchase that is reported later is no label, and one that is taken back later stays one.
        """
        if last > self.night:
            raise Refused(f"Purchases up to {last} are not known on night {self.night}", "Load the history up to that day")
        state = self.rows.as_of(last)
        pairs = state.pairs
        rows = np.flatnonzero((pairs.day >= day_number(first)) & (pairs.day <= day_number(last)))
        chosen = np.unique(pairs.entity[rows])
        found: dict[str, set[int]] = defaultdict(set)
        owners, products = state.pair_household[chosen].tolist(), state.pair_product[chosen].tolist()
        for owner, product in zip(owners, products, strict=True):
            found[state.households[owner]].add(product)
        return dict(found)

    def active(self, night: dt.date, days: int = 28) -> list[str]:
        """Sorted households with a purchase in the last `days` days up to a night."""
        state, end = self.rows.as_of(night), day_number(night)
        visits = state.visits
        here = (visits.day <= end) & (visits.day > end - days)
        return [state.households[code] for code in np.unique(visits.entity[here])]


class NightView:
    """The shop as of one night; the world of numpy_engine's frames.

    product_ids: shop ids by product index, V of them; universe bool [V]; product_features float32 [V, P] by the spec's
    product columns; content: {department, category, type, manufacturer, brand: object array of strings [V], "" unknown};
    households: sorted list of those with a purchase so far.
    """

    def __init__(self, history: History, night: dt.date) -> None:
        self.night = night
        self._history = history
        self._rows = history.rows.as_of(night)
        self.spec = history.spec
        self._day = day_number(night)
        self._known = self._rows.products_until(night)
        self._tables: dict[str, pa.Table] = {}
        self._frames: dict[str, Frame] = {}
        self.product_ids: list[str] = self._rows.product_ids.slice(0, self._known).to_pylist()

    def frame(self, entity: str) -> Frame:
        """All rows of pair, product or household."""
        if entity not in self._frames:
            self._frames[entity] = self._frame(entity)
        return self._frames[entity]

    def _frame(self, entity: str) -> Frame:
        rows, households = self._rows, pa.array(self._rows.households, pa.string())
        if entity == "product":
            return Frame(self, rows.products, self._known, self._day, {}, {"product": (rows.product_ids, slice(self._known))})
        if entity == "household":
            return Frame(self, rows.visits, len(households), self._day, {}, {"household": (households, slice(None))})
        owners, products = rows.pair_household, rows.pair_product
        keys = {"household": (households, owners), "product": (rows.product_ids, products)}
        return Frame(self, rows.pairs, len(owners), self._day, {"household": owners, "product": products}, keys)

    def table(self, name: str) -> pa.Table:
        """A table of lookups.py as known on the night."""
        if name not in self._tables:
            self._tables[name] = TABLES[name].read(self._history.store, self.night)
        return self._tables[name]

    @cached_property
    def universe(self) -> np.ndarray:
        return self.frame("product").whole(Total("new_buyers")) >= self.spec.universe_households

    @cached_property
    def product_features(self) -> np.ndarray:
        return self.frame("product").features([value for _, value in self.spec.chosen["product"]])

    @cached_property
    def content(self) -> dict[str, np.ndarray]:
        texts = self.frame("product").texts
        return {name: texts(Lookup("catalogue", name)).to_numpy(zero_copy_only=False) for name in CONTENT}

    @cached_property
    def households(self) -> list[str]:
        return [self._rows.households[code] for code in np.flatnonzero(self.frame("household").last_row() >= 0)]

    def household_inputs(self, households: Sequence[str], slots: int) -> dict[str, np.ndarray]:
        """What a model is asked about these households, B of them.

        Returns history_product int32 [B, H] (-1 is an empty slot), history_features float32 [B, H, F],
        household_features float32 [B, G], and int32 [B, k] for each sequence of the spec. H is the longest history of the
        batch, at least 1 and at most `slots`; the most recent products are kept, ties by number of purchase days, then by
        index, and stand in that order. A household without a purchase so far has empty slots and zeros; facts of the night
        are the same for all.
        """
        codes = np.array([self._code.get(household, -1) for household in households], np.int64)
        pairs, row, slot = self._slots.first(codes, slots)
        width = max(1, int(slot.max(initial=0)) + 1)
        product = np.full((len(codes), width), -1, np.int32)
        product[row, slot] = self._rows.pair_product[pairs]
        values = self.frame("pair").features([value for _, value in self.spec.chosen["history"]], pairs)
        features = np.zeros((len(codes), width, values.shape[1]), np.float32)
        features[row, slot] = values
        inputs = {"history_product": product, "history_features": features, "household_features": self._visits(codes)}
        for name, (_, value) in zip(self.spec.columns.sequences, self.spec.chosen["sequences"], strict=True):
            inputs[name] = self._sequence(codes, value)
        return inputs

    @cached_property
    def _code(self) -> dict[str, int]:
        return {household: code for code, household in enumerate(self._rows.households)}

    @cached_property
    def _slots(self) -> Ranked:
        """Pairs known on the night, as slots are given."""
        pairs, last, owners = self._rows.pairs, self.frame("pair").last_row(), self._rows.pair_household
        known = np.flatnonzero(last >= 0)
        recency = self._day - pairs.day[last[known]]
        order = known[np.lexsort((-pairs.at("days_total", last[known]), recency, owners[known]))]
        return Ranked(owners, order, len(self._rows.households))

    @cached_property
    def _purchases(self) -> Ranked:
        """Rows of pairs up to the night: the newest first, ties by index."""
        pairs, owners = self._rows.pairs, self._rows.pair_household[self._rows.pairs.entity]
        known = np.flatnonzero(pairs.day <= self._day)
        order = known[np.lexsort((-pairs.day[known], owners[known]))]
        return Ranked(owners, order, len(self._rows.households))

    def _sequence(self, codes: np.ndarray, value: Any) -> np.ndarray:
        """int32 [B, k]."""
        purchase, row, slot = self._purchases.first(codes, value.k)
        out = np.full((len(codes), value.k), -1, np.int32)
        pairs = self._rows.pairs
        shown = self._day - pairs.day[purchase] if value.what == "age" else self._rows.pair_product[pairs.entity[purchase]]
        out[row, slot] = shown
        return out

    def _visits(self, codes: np.ndarray) -> np.ndarray:
        """float32 [B, G]; a stranger has zeros in all but the facts of the night."""
        chosen, seen = self.spec.chosen["household"], np.flatnonzero(codes >= 0)
        out = np.zeros((len(codes), len(chosen)), np.float32)
        own, of_night = ([i for i, (owner, _) in enumerate(chosen) if owner == entity] for entity in ("household", "night"))
        out[np.ix_(seen, np.array(own, np.int64))] = self.frame("household").features([chosen[i][1] for i in own], codes[seen])
        out[:, of_night] = night_features([chosen[i][1] for i in of_night], facts(self.night, self._history.country))
        return out
