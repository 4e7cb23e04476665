"""What the counters of a night go on from: the newest row of each key, as known at the end of the night before.

Every KEEP nights a night publishes these rows whole, as the partition `state` that its manifest names. So a night reads
that one and the fewer than KEEP nights after it, however old the shop is. State is made from published rows alone, by the
same function that seeds a night: it can be thrown away, and partitions before it need not be kept for the ETL.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from include.features.chain import NOTHING, ONE_DAY, stands_on
from include.features.merging import merge
from include.features.tables import COMPLETE, DATASETS, KEYS, SCHEMAS
from include.store.manifest import Manifest
from include.store.objects import Store
from include.store.partitions import fetch, find_manifest, read_manifest

STATE = "state"
KEEP = 84
"""Nights from one kept state to the next. They are counted in calendar days, so that any run keeps the same ones."""

ORDER = ("known", "day")


def is_kept(night: dt.date) -> bool:
    """Whether the state after a night is published with it."""
    return night.toordinal() % KEEP == 0


def state_schema(dataset: str) -> pa.Schema:
    """What counters go on from: keys, times and counters, without the day's own sums."""
    wanted = (*KEYS[dataset], *ORDER, "first_day", "product")
    return pa.schema([field for field in SCHEMAS[dataset] if field.name in wanted or field.name.endswith("_total")])


def newest(rows: pa.Table, keys: Sequence[str]) -> pa.Table:
    """The last row of each key, sorted by the keys: what is known of it now.

    Rows of a key stand in the order of (known, day), as a state and the nights after it have them. A key of which nothing is
    left after a correction has a last row of zeros (told.py), and nothing to go on from.
    """
    rows = rows.combine_chunks()
    key = np.zeros(rows.num_rows, np.int64)
    for name in keys:
        key = (key << 32) + _codes(rows[name])
    order = np.argsort(key, kind="stable")
    last = rows.take(order[np.append(np.diff(key[order]) != 0, True)[: len(order)]])
    return last.filter(pc.greater(last["cents_total"], 0)) if "cents_total" in last.column_names else last


def _codes(column: pa.ChunkedArray) -> np.ndarray:
    """int64 [rows]: numbers of at most 32 bits in the order of the values."""
    if not pa.types.is_string(column.type):
        return column.to_numpy()
    coded = column.combine_chunks().dictionary_encode()
    rank = np.empty(len(coded.dictionary), np.int64)
    rank[pc.sort_indices(coded.dictionary).to_numpy()] = np.arange(len(rank))
    return rank[coded.indices.to_numpy()]


@dataclass(frozen=True)
class Past:
    """What is known before a night: the last kept state, the published nights after it, oldest first, and built ones."""

    store: Store
    kept: Manifest | None
    nights: tuple[dt.date, ...]
    folder: Path = Path()
    built: tuple[dt.date, ...] = ()

    def then(self, folder: Path, nights: Sequence[dt.date]) -> Self:
        """What is known after these nights too, whose partitions lie in a build's folder."""
        return replace(self, folder=folder, built=(*self.built, *nights))

    def rows(self, dataset: str, only: pc.Expression | None = None) -> pa.Table:
        """Rows of state_schema in which the newest row of every key is, or of every key that `only` lets through."""
        return _read(dataset, self.paths(dataset), only)

    def paths(self, dataset: str) -> list[Path]:
        """The files of these rows, in the order in which they came to be known."""
        kept = [self.store.fetch(file.sha256) for file in self.kept.files if file.path == _file(dataset)] if self.kept else []
        built = [self.folder / dataset / f"{night}.parquet" for night in self.built]
        return [*kept, *fetch(self.store, dataset, self.nights), *built]

    @property
    def is_empty(self) -> bool:
        """Whether these are a shop's first nights."""
        return not (self.kept or self.nights or self.built)

    def newest(self, dataset: str, only: pc.Expression | None = None) -> pa.Table:
        """One row a key."""
        return newest(self.rows(dataset, only), KEYS[dataset])


def find_past(store: Store, night: dt.date) -> Past:
    """What the counters of a night go on from; manifests chain the nights, so nothing is left out by a late listing.

    Raises:
        Refused: the night before is not published.
    """
    nights: list[dt.date] = []
    previous = stands_on(store, night)
    while previous != NOTHING:
        night -= ONE_DAY
        complete = read_manifest(store, COMPLETE, night)
        kept = find_manifest(store, STATE, night) if STATE in complete.meta["parts"] else None
        if kept is not None and kept.digest == complete.meta["parts"][STATE]:
            return Past(store, kept, tuple(nights[::-1]))
        nights.append(night)
        previous = complete.inputs["previous"]
    return Past(store, None, tuple(nights[::-1]))


def write_states(past: Past, folder: Path, nights: Sequence[dt.date]) -> None:
    """Write the states that a build of these nights has to keep beside its partitions."""
    for dataset in DATASETS if any(map(is_kept, nights)) else ():
        known, since = past.paths(dataset), 0
        for at, night in enumerate(nights):
            if is_kept(night):
                state = folder / STATE / str(night) / _file(dataset)
                fresh = [folder / dataset / f"{one}.parquet" for one in nights[since : at + 1]]
                merge([*known, *fresh], state_schema(dataset), partial(newest, keys=KEYS[dataset]), state)
                known, since = [state], at + 1


def state_files(folder: Path, night: dt.date) -> dict[str, Path]:
    """The files of the state after a night in a build's folder, by dataset; empty when the night keeps none."""
    found = {dataset: folder / STATE / str(night) / _file(dataset) for dataset in DATASETS}
    return {dataset: path for dataset, path in found.items() if path.is_file()}


def _read(dataset: str, paths: Sequence[Path], only: pc.Expression | None = None) -> pa.Table:
    """A batch at a time: what reads whole files decodes far more than is let through."""
    schema = state_schema(dataset)
    found = [schema.empty_table()]
    for path in paths:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(columns=schema.names, use_threads=False):
                rows = pa.Table.from_batches([batch]).select(schema.names)
                found.append(rows if only is None else rows.filter(only))
    return pa.concat_tables(found)


def _file(dataset: str) -> str:
    return f"{dataset}.parquet"
