"""From which night to which each product was merchandise: one small table, however often the catalogue changed."""

import datetime as dt
from collections.abc import Sequence

import pyarrow as pa

from include.features.chain import ONE_DAY, catalogue_night
from include.parquet import read_small
from include.sources.replay import shelf
from include.store.objects import Store
from include.store.partitions import fetch

SHELF = pa.schema([("product", pa.string()), ("since", pa.date32()), ("until", pa.date32())])
"""A product has a row for each unbroken span of nights, both ends included, in whose catalogues it is merchandise."""


def shelf_spans(store: Store, nights: Sequence[dt.date]) -> pa.Table:
    """SHELF of consecutive nights, each by the catalogue as it was known on it."""
    rows: list[tuple[str, dt.date, dt.date]] = []
    since: dict[str, dt.date] = {}
    known = None
    for night in nights:
        if (catalogue := catalogue_night(store, night)) == known:
            continue
        known, now = catalogue, shelf(read_small(fetch(store, "products", [catalogue])[0]))
        rows += [(product, since.pop(product), night - ONE_DAY) for product in sorted(since.keys() - now)]
        since |= dict.fromkeys(sorted(now - since.keys()), night)
    rows += [(product, first, nights[-1]) for product, first in since.items()]
    products, first, last = zip(*sorted(rows), strict=True) if rows else ((), (), ())
    return pa.table([pa.array(values, field.type) for values, field in zip((products, first, last), SHELF, strict=True)], SHELF)
