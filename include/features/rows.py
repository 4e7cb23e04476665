"""From the published nights to sorted arrays: what is read once, before any night is looked at."""

import datetime as dt
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads

from include.features.chain import Night
from include.features.counters import Counters, day_number, days
from include.features.tables import SCHEMAS
from include.store.many import each
from include.store.objects import Store


def read_rows(store: Store, nights: list[Night], dataset: str) -> pa.Table:
    """All rows of a dataset in these nights; the digest of every file is checked."""
    wanted = [file.sha256 for night in nights for file in night.parts[dataset].files]
    paths = [str(path) for path in each(store, store.fetch, wanted)]
    if not paths:
        return SCHEMAS[dataset].empty_table()
    return pads.dataset(paths, schema=SCHEMAS[dataset], format="parquet").to_table()


def _counters(table: pa.Table, entity: np.ndarray, size: int, names: tuple[str, ...]) -> Counters:
    day = days(table["day"])
    order = np.lexsort((day, entity))
    columns = {name: table[name].to_numpy().astype(np.int64)[order] for name in names}
    return Counters(entity[order], day[order], columns, size)


class Rows:
    """The counters of a shop up to a night.

    product_ids: shop ids by product index, string array [V]; first_day int32 [V] ascending;
    households: sorted list; pairs: Counters of (household, product), `pair_household` and `pair_product` int32 [pairs],
    sorted by both; products, visits: Counters by product index and by household.

    Args:
        columns: which counters to load, by dataset; see FeatureSpec.counters.
    """

    def __init__(self, store: Store, nights: list[Night], columns: Mapping[str, tuple[str, ...]]) -> None:
        index = read_rows(store, nights, "product_index").sort_by("product_index")
        self.product_ids: pa.Array = index["product"].combine_chunks()
        self.first_day = days(index["first_day"])
        visits = read_rows(store, nights, "household")
        self.households: list[str] = sorted(visits["household"].unique().to_pylist())
        self._codes = pa.array(self.households, pa.string())
        self.visits = _counters(visits, self._code(visits["household"]), len(self.households), columns["household"])
        products = read_rows(store, nights, "product")
        owner = products["product_index"].to_numpy()
        self.products = _counters(products, owner, len(self.product_ids), columns["product"])
        self._load_pairs(read_rows(store, nights, "household_product"), columns["household_product"])

    def _code(self, households: pa.ChunkedArray) -> np.ndarray:
        return pc.index_in(households.combine_chunks(), value_set=self._codes).to_numpy()

    def _load_pairs(self, table: pa.Table, columns: tuple[str, ...]) -> None:
        width = max(1, len(self.product_ids))
        key = self._code(table["household"]).astype(np.int64) * width + table["product_index"].to_numpy()
        pairs, entity = np.unique(key, return_inverse=True)
        self.pair_household = (pairs // width).astype(np.int32)
        self.pair_product = (pairs % width).astype(np.int32)
        self.pairs = _counters(table, entity, len(pairs), columns)

    def products_until(self, night: dt.date) -> int:
        """How many products were known on a night: indexes are given in the order of first days."""
        return int(np.searchsorted(self.first_day, day_number(night), side="right"))
