"""What there is to count in the features of a night: keys, counters, and what went in against what came out."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from include.features.build import Build, night_files
from include.features.chain import catalogue_night
from include.features.state import find_past
from include.features.tables import DATASETS, NIGHT_OF, SCHEMAS
from include.parquet import read_small
from include.quality.check import BLOCK
from include.quality.counters import CUMULATED, broken_counters
from include.quality.shape import FEATURES
from include.sources.late import on_time
from include.sources.replay import is_one_of, shelf, sold
from include.store.objects import Store
from include.store.partitions import fetch


def feature_profile(store: Store, folder: Path) -> Iterator[dict[str, Any]]:
    """One mapping a built night, in order; each is compared with the raw events and with what is known before it."""
    build = Build.read(folder)
    if not build.nights:
        return
    past = find_past(store, build.nights[0])
    known = past.rows("product_index").num_rows
    broken = broken_counters(store, folder, build.nights, past)
    shelves = _Shelves(store)
    for place, night in enumerate(build.nights):
        tables = {dataset: read_small(path) for dataset, path in night_files(folder, night).items()}
        counts: dict[str, Any] = dict.fromkeys(COUNTS)
        for shape in FEATURES:
            counts |= shape.counts(tables[shape.dataset], night)
        if _well_formed(tables):
            merchandise, lines = shelves.of(night)
            counts |= {"other_day": _other_day(tables, night)} | flow_counts(_of_day(tables, night), lines)
            counts |= {"index_gaps": _index_gaps(tables["product_index"], known)} | _references(tables, known, merchandise)
            counts |= {name: int(numbers[place]) for name, numbers in broken.items()}
        known += tables["product_index"].num_rows
        rows = tables["household_product"].num_rows
        yield {"night": str(night), "rows": rows} | counts


def _well_formed(tables: dict[str, pa.Table]) -> bool:
    return all(tables[dataset].schema.equals(SCHEMAS[dataset]) for dataset in DATASETS)


def _other_day(tables: dict[str, pa.Table], night: dt.date) -> int:
    """Rows of another night, over all tables."""
    masks = [pc.not_equal(table[NIGHT_OF[dataset]], pa.scalar(night, pa.date32())) for dataset, table in tables.items()]
    return sum(pc.sum(mask).as_py() or 0 for mask in masks)


def _of_day(tables: dict[str, pa.Table], night: dt.date) -> dict[str, pa.Table]:
    """The rows of the night's own business day: earlier days are restated, and a key of which nothing is left has zeros."""
    today = (pc.field("day") == pa.scalar(night, pa.date32())) & (pc.field("cents") > 0)
    return {dataset: table.filter(today) for dataset, table in tables.items() if dataset != "product_index"}


def _references(tables: dict[str, pa.Table], known: int, shelf: frozenset[str]) -> dict[str, int]:
    """Rows that name what is not there: products of the catalogue, indexes given up to this night."""
    ends = known + tables["product_index"].num_rows
    given = {
        f"{dataset}__unknown": pc.sum(pc.greater_equal(tables[dataset]["product_index"], ends)).as_py() or 0
        for dataset in ("household_product", "product")
    }
    sold = pc.sum(is_one_of(tables["product_index"]["product"], shelf)).as_py() or 0
    return given | {"product_index__unknown": tables["product_index"].num_rows - sold}


def flow_counts(tables: dict[str, pa.Table], lines: pa.Table) -> dict[str, int]:
    """Differences between what went in (the night's merchandise lines) and what came out; all must be 0."""
    pairs, products, visits = tables["household_product"], tables["product"], tables["household"]
    new = pc.sum(pc.equal(pairs["days_total"], 1)).as_py() or 0
    bought = lines.group_by(["household", "product"]).aggregate([]).num_rows
    baskets = lines.group_by(["household", "basket"]).aggregate([]).num_rows
    return {
        "cents_lost": _sum(lines, "cents") - _sum(pairs, "cents"),
        "cents_apart": abs(_sum(pairs, "cents") - _sum(products, "cents")) + abs(_sum(pairs, "cents") - _sum(visits, "cents")),
        "units_lost": _sum(lines, "quantity") - _sum(pairs, "units"),
        "discount_lost": _sum(lines, "discount_cents") - _sum(pairs, "discount_cents"),
        "pairs_lost": bought - pairs.num_rows,
        "baskets_lost": baskets - _sum(visits, "baskets"),
        "buyers_apart": abs(pairs.num_rows - _sum(products, "buyers")) + abs(pairs.num_rows - _sum(visits, "products")),
        "new_apart": abs(new - _sum(products, "new_buyers")) + abs(new - _sum(visits, "new_products")),
    }


COUNTS = (
    *("other_day", "index_gaps", *(f"{dataset}__unknown" for dataset in ("product_index", "household_product", "product"))),
    *("cents_lost", "cents_apart", "units_lost", "discount_lost", "pairs_lost", "baskets_lost", "buyers_apart", "new_apart"),
    *(f"{dataset}_broken" for dataset in CUMULATED),
    *(check.column for shape in FEATURES for check in shape.checks(BLOCK, "")),
)
"""All columns of the profile; null where a malformed table leaves nothing to count."""


class _Shelves:
    """The merchandise lines of nights in order; the catalogue is kept until it changes."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._known: dt.date | None = None
        self._shelf: frozenset[str] = frozenset()

    def of(self, night: dt.date) -> tuple[frozenset[str], pa.Table]:
        """The merchandise as known on a night, and the night's lines of it."""
        if (known := catalogue_night(self.store, night)) != self._known:
            self._known, self._shelf = known, shelf(read_small(fetch(self.store, "products", [known])[0]))
        return self._shelf, sold(on_time(read_small(fetch(self.store, "events", [night])[0])), self._shelf)


def _index_gaps(index: pa.Table, known: int) -> int:
    """Indexes that are not the next ones after those given before."""
    return int((index["product_index"].to_numpy() != np.arange(known, known + index.num_rows)).sum())


def _sum(table: pa.Table, name: str) -> int:
    return pc.sum(table[name]).as_py() or 0
