"""From the published nights to sorted arrays: what is read once, and the state of the shop as known on any of the nights."""

import datetime as dt
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads

from include.features.chain import Night
from include.features.counters import Counters, day_number, days
from include.features.tables import SCHEMAS
from include.features.told import Told
from include.store.many import each
from include.store.objects import Store


def read_rows(store: Store, nights: list[Night], dataset: str) -> pa.Table:
    """All rows of a dataset in these nights; the digest of every file is checked."""
    wanted = [file.sha256 for night in nights for file in night.parts[dataset].files]
    paths = [str(path) for path in each(store, store.fetch, wanted)]
    if not paths:
        return SCHEMAS[dataset].empty_table()
    return pads.dataset(paths, schema=SCHEMAS[dataset], format="parquet").to_table()


@dataclass(frozen=True)
class State:
    """The counters of a shop as known on some nights between which no earlier day changed; look at days up to the night only.

    product_ids: shop ids by product index, string array [V]; first_day int32 [V] ascending, the nights on which products
    became known; households: sorted list; pairs: Counters of (household, product), `pair_household` and `pair_product`
    int32 [pairs], sorted by both; products, visits: Counters by product index and by household.
    """

    product_ids: pa.Array
    first_day: np.ndarray
    households: list[str]
    pair_household: np.ndarray
    pair_product: np.ndarray
    pairs: Counters
    products: Counters
    visits: Counters

    def products_until(self, night: dt.date) -> int:
        """How many products were known on a night: indexes are given in the order of first nights."""
        return int(np.searchsorted(self.first_day, day_number(night), side="right"))


class Rows:
    """All rows up to a night.

    Args:
        columns: which counters to load, by dataset; see FeatureSpec.counters.
    """

    def __init__(self, store: Store, nights: list[Night], columns: Mapping[str, tuple[str, ...]]) -> None:
        index = read_rows(store, nights, "product_index").sort_by("product_index")
        self._ids: pa.Array = index["product"].combine_chunks()
        self._first_day = days(index["first_day"])
        visits = read_rows(store, nights, "household")
        names = visits["household"].combine_chunks().unique()
        self._names = names.take(pc.sort_indices(names))
        self._visits = Told(visits, self._code(visits), columns["household"])
        products = read_rows(store, nights, "product")
        self._products = Told(products, products["product_index"].to_numpy(), columns["product"], empty=True)
        pairs = read_rows(store, nights, "household_product")
        self._width = max(1, len(self._ids))
        key = self._code(pairs).astype(np.int64) * self._width + pairs["product_index"].to_numpy()
        self._pairs = Told(pairs, key, columns["household_product"])
        self._changes = sorted(self._visits.changes | self._products.changes | self._pairs.changes)
        self._last = day_number(nights[-1].night)
        self._states: dict[int, State] = {}

    def _code(self, table: pa.Table) -> np.ndarray:
        return pc.index_in(table["household"].combine_chunks(), value_set=self._names).to_numpy()

    def as_of(self, night: dt.date) -> State:
        """What was known at the end of a night. Between two nights that changed earlier days there is one state."""
        place = bisect_right(self._changes, day_number(night))
        if place not in self._states:
            until = self._changes[place] - 1 if place < len(self._changes) else self._last
            self._states[place] = self._state(until)
        return self._states[place]

    def _state(self, until: int) -> State:
        known = int(np.searchsorted(self._first_day, until, side="right"))
        codes, visits = self._visits.counters(until)
        pairs, counters = self._pairs.counters(until)
        owner = np.searchsorted(codes, pairs // self._width)
        return State(
            product_ids=self._ids.slice(0, known),
            first_day=self._first_day[:known],
            households=self._names.take(pa.array(codes)).to_pylist(),
            pair_household=owner.astype(np.int32),
            pair_product=(pairs % self._width).astype(np.int32),
            pairs=counters,
            products=self._products.counters(until)[1],
            visits=visits,
        )
