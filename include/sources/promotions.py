"""Promotions of 21 million (product, store, week) rows to one row a (product, week), a week at a time.

The file is in the order of its weeks, so it is read in pieces and a week is closed when the next one begins: memory
stays at one week and one piece. A doubled (product, store) key counts once.
"""

import datetime as dt
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from include.errors import Refused
from include.sources.files import iterate
from include.sources.source import PROMOTIONS

WEEK_ONE = dt.date(2016, 12, 26)
COLUMNS = ("week", "product_id", "store_id", "display_location", "mailer_location")
NOT_SHOWN = "0"


class PromotionFile:
    """The panel's promotions, read by week."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def weeks(self, mondays: Sequence[dt.date]) -> Iterator[tuple[dt.date, pa.Table]]:
        """(Monday, PROMOTIONS) of those of these weeks that have a plan, in order.

        Raises:
            Refused: the file is missing, unreadable or not in the order of its weeks.
        """
        wanted = {(monday - WEEK_ONE).days // 7 + 1: monday for monday in mondays}
        if wanted:
            for week, parts in self._by_week(max(wanted)):
                if week in wanted:
                    yield wanted[week], aggregate(parts, wanted[week])

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


def aggregate(parts: Sequence[pa.RecordBatch], monday: dt.date) -> pa.Table:
    """One week's rows to PROMOTIONS, sorted by product; a (product, store) counts once, however often it is listed."""
    table = pa.Table.from_batches(parts).unify_dictionaries().combine_chunks()
    product, store = (_encoded(table[column]) for column in ("product_id", "store_id"))
    key = product.indices.to_numpy().astype(np.int64) * len(store.dictionary) + store.indices.to_numpy()
    counts = {}
    for name, column in (("display_stores", "display_location"), ("mailer_stores", "mailer_location")):
        seen = np.zeros(len(product.dictionary) * len(store.dictionary), bool)
        seen[key[_shown(table[column])]] = True
        counts[name] = seen.reshape(len(product.dictionary), -1).sum(axis=1)
    columns = {
        "product": product.dictionary.cast(pa.string()),
        "week_start": pa.array([monday] * len(product.dictionary), pa.date32()),
        **{name: pa.array(count, pa.int32()) for name, count in counts.items()},
        "stores": pa.array(np.full(len(product.dictionary), len(store.dictionary)), pa.int32()),
    }
    return pa.table(columns, schema=PROMOTIONS).sort_by("product").combine_chunks()


def _encoded(column: pa.ChunkedArray) -> pa.DictionaryArray:
    return column.combine_chunks().dictionary_encode()


def _shown(column: pa.ChunkedArray) -> np.ndarray:
    """bool [rows]: the place is another than NOT_SHOWN; compared once a word, not once a row."""
    words = column.combine_chunks()
    shown = np.array([word not in (None, NOT_SHOWN) for word in words.dictionary.to_pylist()] + [False])
    return shown[words.indices.fill_null(len(words.dictionary)).to_numpy()]
