"""A table that features look things up in, beside the counters: one row a key, as known on a night.

A table is read from partitions of one dataset; `nights` says from which, and must name none that was not known on the night.
The manifests of what was read are inputs of a training set, so `shape` may use nothing but these rows and the night.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from include.errors import Refused
from include.store.manifest import Manifest
from include.store.many import each
from include.store.objects import Store
from include.store.partitions import find_manifest

TYPES: Mapping[str, pa.DataType] = {"int": pa.int64(), "float": pa.float64(), "text": pa.string()}


@dataclass(frozen=True)
class Table:
    """Rows by `keys` (texts: `product`, `household` or another's, such as a store); `columns` gives int, float or text.

    `rows` gives those of one partition, oldest first; `shape` makes one row a key of those of all partitions that are read.
    """

    dataset: str
    keys: tuple[str, ...]
    columns: Mapping[str, str]
    nights: Callable[[Store, dt.date], Sequence[dt.date]]
    shape: Callable[[pa.Table, dt.date], pa.Table] = lambda rows, night: rows
    rows: Callable[[Store, Manifest], pa.Table] = lambda store, manifest: _all_files(store, manifest)

    def manifests(self, store: Store, night: dt.date) -> list[Manifest]:
        """What a read as of a night reads; a partition that is not there has no rows."""
        found = each(store, lambda known: find_manifest(store, self.dataset, known), self.nights(store, night))
        return [manifest for manifest in found if manifest]

    def read(self, store: Store, night: dt.date) -> pa.Table:
        """Keys and columns as of a night, nulls filled with 0 and "".

        Raises:
            Refused: a key stands in it more than once.
        """
        schema = pa.schema([*((key, pa.string()) for key in self.keys), *((n, TYPES[k]) for n, k in self.columns.items())])
        parts = [self.rows(store, manifest) for manifest in self.manifests(store, night)]
        if not parts:
            return schema.empty_table()
        table = self.shape(pa.concat_tables(parts), night)
        table = table.select(schema.names).cast(schema)
        if table.group_by(list(self.keys)).aggregate([]).num_rows < table.num_rows:
            raise Refused(f"{self.dataset} as of {night} has a {', '.join(self.keys)} more than once", "Land it again")
        filled = [table[name].fill_null("" if schema.field(name).type == pa.string() else 0) for name in schema.names]
        return pa.table(filled, schema=schema)


def _all_files(store: Store, manifest: Manifest) -> pa.Table:
    return pa.concat_tables([pq.read_table(store.fetch(file.sha256)) for file in manifest.files])


def place(table: pa.Table, keys: Mapping[str, pa.Array]) -> np.ndarray:
    """int64 [n]: the row of a table for each row of these key columns, or -1."""
    mine, theirs = np.zeros(table.num_rows, np.int64), np.zeros(len(next(iter(keys.values()))), np.int64)
    for name, column in keys.items():
        words = table[name].combine_chunks().dictionary_encode()
        found = pc.index_in(column, value_set=words.dictionary).fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        size = len(words.dictionary) + 1
        mine = mine * size + words.indices.to_numpy()
        theirs = theirs * size + np.where(found < 0, size - 1, found)
    return pc.index_in(pa.array(theirs), value_set=pa.array(mine)).fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
