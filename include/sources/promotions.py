"""Promotions of 21 million (product, store, week) rows to one row a (product, week), a week at a time.

The file is in the order of its weeks, so it is read in pieces and a week is closed when the next one begins: memory
stays at one week and one piece. A doubled (product, store) key counts once, in each place that one of its rows names.
"""

import datetime as dt
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from include.errors import Refused
from include.sources.extras import SCHEMAS, Plan
from include.sources.files import iterate
from include.sources.keys import tolerate_doubled
from include.sources.panel_contracts import PROMOTIONS as WANTED
from include.sources.source import PROMOTIONS
from include.words import counted

WEEK_ONE = dt.date(2016, 12, 26)
COLUMNS = tuple(WANTED.columns)
NOT_SHOWN = "0"
PLACES: dict[str, tuple[str, frozenset[str] | None]] = {
    "display": ("display_location", None),
    "end_cap": ("display_location", frozenset("3456")),
    "mailer": ("mailer_location", None),
    "front_page": ("mailer_location", frozenset("DHZ")),
    "mailer_coupon": ("mailer_location", frozenset("JP")),
}
"""Kind of extras.KINDS -> the column that says it, and its codes; None stands for all but NOT_SHOWN. Of the displays, 3 to 6
are the end-caps. In the mailer, D is the front page, H the front of the wrap, Z what is free on either, J and P are coupons."""
WORD = 64


class PromotionFile:
    """The panel's promotions, read by week."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def weeks(self, mondays: Sequence[dt.date]) -> Iterator[Plan]:
        """The plans of those of these weeks that have one, in order.

        Raises:
            Refused: the file is missing, unreadable or not in the order of its weeks; a week has rows without a key, or too
            many doubled keys.
        """
        wanted = {(monday - WEEK_ONE).days // 7 + 1: monday for monday in mondays}
        if wanted:
            for week, parts in self._by_week(max(wanted)):
                if week in wanted:
                    yield aggregate(parts, wanted[week], self.path.name)

    def _by_week(self, last: int) -> Iterator[tuple[int, list[pa.RecordBatch]]]:
        open_week = 0
        parts: list[pa.RecordBatch] = []
        for batch in iterate(self.path, COLUMNS, ("display_location", "mailer_location")):
            numbers = batch["week"].to_numpy()
            starts = np.flatnonzero(np.diff(numbers, prepend=open_week))
            if numbers.size and (numbers[0] < open_week or np.any(np.diff(numbers) < 0)):
                raise Refused(f"{self.path.name} is not in the order of its weeks", "Sort the file by week and land it again")
            edges = [0, *starts.tolist(), len(numbers)]
            for low, high in itertools.pairwise(edges):
                if high > low and numbers[low] != open_week:
                    if parts:
                        yield open_week, parts
                    open_week, parts = int(numbers[low]), []
                    if open_week > last:
                        return
                if high > low:
                    parts.append(batch.slice(low, high - low))
        if parts:
            yield open_week, parts


def aggregate(parts: Sequence[pa.RecordBatch], monday: dt.date, file: str) -> Plan:
    """One week's rows, sorted by product: in how many stores, and in which."""
    table = pa.Table.from_batches(parts).unify_dictionaries().combine_chunks()
    product, product_at = _sorted_codes(table["product_id"], file)
    store, store_at = _sorted_codes(table["store_id"], file)
    key = product_at.astype(np.int64) * len(store) + store_at
    size = len(product), len(store)
    seen = {name: _seen(key, _shown(table[column], codes), *size) for name, (column, codes) in PLACES.items()}
    listed = _seen(key, np.ones(len(key), bool), *size)
    tolerate_doubled(len(key) - int(listed.sum()), len(key), WANTED, f"{file} (week of {monday})")
    columns = {
        "product": product,
        "week_start": pa.array([monday] * len(product), pa.date32()),
        "display_stores": pa.array(seen["display"].sum(axis=1), pa.int32()),
        "mailer_stores": pa.array(seen["mailer"].sum(axis=1), pa.int32()),
        "stores": pa.array(np.full(len(product), len(store)), pa.int32()),
    }
    placed = {"product": product, **{name: _words(shown) for name, shown in seen.items()}}
    return Plan(
        monday,
        pa.table(columns, schema=PROMOTIONS),
        {"placements": pa.table(placed, schema=SCHEMAS["placements"]), "stores": pa.table({"store": store})},
    )


def _sorted_codes(column: pa.ChunkedArray, file: str) -> tuple[pa.Array, np.ndarray]:
    """The different ids as sorted texts, and int [rows] the place of each row's id among them."""
    if column.null_count:
        said = f"{file} has {counted(column.null_count, 'row')} without a product or a store"
        raise Refused(said, "Deliver them whole, or not at all")
    codes = column.combine_chunks().dictionary_encode()
    words = codes.dictionary.cast(pa.string())
    order = pc.sort_indices(words)
    place = np.empty(len(words), np.int64)
    place[order.to_numpy()] = np.arange(len(words))
    return words.take(order), place[codes.indices.to_numpy()]


def _seen(key: np.ndarray, chosen: np.ndarray, products: int, stores: int) -> np.ndarray:
    """bool [products, stores]: whether a chosen row has this key."""
    seen = np.zeros(products * stores, bool)
    seen[key[chosen]] = True
    return seen.reshape(products, stores)


def _words(shown: np.ndarray) -> pa.Array:
    """bool [products, stores] as lists of 64-bit words, a bit a store."""
    words = -(-shown.shape[1] // WORD)
    wide = np.zeros((shown.shape[0], words * WORD), bool)
    wide[:, : shown.shape[1]] = shown
    bits = np.packbits(wide, axis=1, bitorder="little").view("<i8")
    return pa.FixedSizeListArray.from_arrays(pa.array(bits.ravel()), words).cast(pa.list_(pa.int64()))


def _shown(column: pa.ChunkedArray, codes: frozenset[str] | None) -> np.ndarray:
    """bool [rows]: the place is one of these codes, or any but NOT_SHOWN; compared once a word, not once a row."""
    words = column.combine_chunks()
    known = [word not in (None, NOT_SHOWN) and (codes is None or word in codes) for word in words.dictionary.to_pylist()]
    return np.array([*known, False])[words.indices.fill_null(len(known)).to_numpy()]
