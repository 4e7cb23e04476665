"""Tables that features look things up in, beside the counters: one row a key, as known on a night.

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
from include.features.chain import catalogue_night
from include.features.text import query_of
from include.sources.landing import plan_night
from include.store.manifest import Manifest
from include.store.objects import Store
from include.store.partitions import find_manifest

TYPES: Mapping[str, pa.DataType] = {"int": pa.int64(), "float": pa.float64(), "text": pa.string()}


@dataclass(frozen=True)
class Table:
    """Rows by `keys` (texts: `product`, `household` or another's, such as a store); `columns` gives int, float or text."""

    dataset: str
    keys: tuple[str, ...]
    columns: Mapping[str, str]
    nights: Callable[[Store, dt.date], Sequence[dt.date]]
    shape: Callable[[pa.Table, dt.date], pa.Table] = lambda rows, night: rows

    def manifests(self, store: Store, night: dt.date) -> list[Manifest]:
        """What a read as of a night reads; a partition that is not there has no rows."""
        found = (find_manifest(store, self.dataset, known) for known in self.nights(store, night))
        return [manifest for manifest in found if manifest]

    def read(self, store: Store, night: dt.date) -> pa.Table:
        """Keys and columns as of a night, nulls filled with 0 and "".

        Raises:
            Refused: a key stands in it more than once.
        """
        schema = pa.schema([*((key, pa.string()) for key in self.keys), *((n, TYPES[k]) for n, k in self.columns.items())])
        files = [file.sha256 for manifest in self.manifests(store, night) for file in manifest.files]
        if not files:
            return schema.empty_table()
        table = self.shape(pa.concat_tables([pq.read_table(store.fetch(file)) for file in files]), night)
        table = table.select(schema.names).cast(schema)
        if table.group_by(list(self.keys)).aggregate([]).num_rows < table.num_rows:
            raise Refused(f"{self.dataset} as of {night} has a {', '.join(self.keys)} more than once", "Land it again")
        filled = [table[name].fill_null("" if schema.field(name).type == pa.string() else 0) for name in schema.names]
        return pa.table(filled, schema=schema)


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


def _catalogue(store: Store, night: dt.date) -> list[dt.date]:
    return [catalogue_night(store, night)]


def _words(rows: pa.Table, night: dt.date) -> pa.Table:
    """The text of each product as somebody would search for it: the words of its type and its category."""
    texts = [pc.fill_null(rows[name], "") for name in ("type", "category")]
    joined = pc.binary_join_element_wise(*texts, " ").combine_chunks().dictionary_encode()
    words = pa.array([query_of(text) for text in joined.dictionary.to_pylist()], pa.string())
    return pa.table({"product": rows["product"], "words": words.take(joined.indices)})


CONTENT = ("department", "category", "type", "manufacturer", "brand", "size")

TABLES = {
    "catalogue": Table("products", ("product",), dict.fromkeys(CONTENT, "text"), _catalogue),
    "texts": Table("products", ("product",), {"words": "text"}, _catalogue, _words),
    "plan": Table(
        "promotions",
        ("product",),
        dict.fromkeys(("display_stores", "mailer_stores", "stores"), "int"),
        lambda store, night: [plan_night(night)],
    ),
}
"""The plan of promotions is that of the week which begins with the day after the night, or holds it."""
