"""Judged answers in the store: dataset `judged_<surface>`, partition dt = what became judgeable on dt."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from include.evaluation import metrics
from include.evaluation.answers import key_of
from include.evaluation.joins import PLACES, schema_of
from include.store.objects import Store
from include.store.partitions import fetch, list_nights, read_manifest


def dataset(surface: str) -> str:
    return f"judged_{surface}"


def read_judged(store: Store, surface: str, now: dt.date, before: bool = False) -> pa.Table:
    """All judged answers of partitions up to `now`, or before it; each (night, household, model, query) once."""
    nights = [night for night in list_nights(store, dataset(surface)) if night < now or (night == now and not before)]
    schema = schema_of(surface)
    tables = [pq.read_table(path, schema=schema) for path in fetch(store, dataset(surface), nights)]
    return _once(pa.concat_tables(tables)) if tables else schema.empty_table()


def universe_sizes(store: Store, surface: str, now: dt.date) -> dict[str, int]:
    """Size of the universe of every judged night, by ISO date."""
    sizes: dict[str, int] = {}
    for night in list_nights(store, dataset(surface)):
        if night <= now:
            sizes |= read_manifest(store, dataset(surface), night).meta.get("universe", {})
    return sizes


def keys(table: pa.Table) -> Iterator[tuple[str, ...]]:
    """`key_of` every row: (night, household, model), and the query where there is one."""
    nights = [night.isoformat() for night in table["night"].to_pylist()]
    return map(key_of, nights, table["household"].to_pylist(), table["model"].to_pylist(), queries(table))


def queries(table: pa.Table) -> list[str]:
    """The query of every row, "" where nobody types."""
    return table["query"].to_pylist() if "query" in table.column_names else [""] * len(table)


def by_answer(table: pa.Table) -> dict[str, np.ndarray]:
    """Every metric of include.evaluation.metrics for each row; with queries also whether the first product's type is right."""
    hit = np.zeros((len(table), PLACES), bool)
    for i, right in enumerate(table["right"].to_pylist()):
        hit[i, : len(right)] = right
    found = metrics.by_query(hit, table["relevant"].to_numpy())
    if "type_first" in table.column_names:
        found[metrics.TYPE_AT_1] = table["type_first"].to_numpy().astype(float)
    return found


def write(table: pa.Table, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, compression="zstd")
    return path


def _once(table: pa.Table) -> pa.Table:
    seen: set[tuple[str, ...]] = set()
    keep = []
    for i, key in enumerate(keys(table)):
        if key not in seen:
            seen.add(key)
            keep.append(i)
    return table.take(pa.array(keep, pa.int64()))
