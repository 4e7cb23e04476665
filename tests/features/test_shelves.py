"""Spans of nights in which a product is merchandise."""

import datetime as dt

import pyarrow as pa

from include.features.shelves import SHELF, shelf_spans
from include.nights import span
from include.parquet import write_canonical
from include.sources.source import PRODUCTS
from include.store.objects import open_store
from include.store.partitions import publish

FIRST = dt.date(2024, 3, 1)
DAYS = span(FIRST, FIRST + dt.timedelta(days=5))


def catalogue(store, folder, night, **products):
    rows = [{"product": product, "merchandise": goods} for product, goods in products.items()]
    path = write_canonical(pa.Table.from_pylist(rows, PRODUCTS), folder / "p.parquet")
    publish(store, "products", night, {"p": path}, rows=len(rows), columns={}, inputs={}, spec="", transform="")


def test_each_night_has_the_shelf_of_its_own_catalogue(tmp_path):
    store = open_store(str(tmp_path / "store"))
    catalogue(store, tmp_path, DAYS[0], a=True, b=False)
    catalogue(store, tmp_path, DAYS[2], a=False, b=True, c=True)
    catalogue(store, tmp_path, DAYS[4], a=True, b=True, c=True)
    found = shelf_spans(store, DAYS[1:])
    assert found.schema.equals(SHELF)
    assert [tuple(row.values()) for row in found.to_pylist()] == [
        ("a", DAYS[1], DAYS[1]),
        ("a", DAYS[4], DAYS[5]),
        ("b", DAYS[2], DAYS[5]),
        ("c", DAYS[2], DAYS[5]),
    ]


def test_a_catalogue_that_never_changes_is_one_span(tmp_path):
    store = open_store(str(tmp_path / "store"))
    catalogue(store, tmp_path, DAYS[0], a=True, post=False)
    assert shelf_spans(store, DAYS).to_pylist() == [{"product": "a", "since": DAYS[0], "until": DAYS[-1]}]
