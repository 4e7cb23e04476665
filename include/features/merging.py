"""Many sorted Parquet files become one, a range of keys at a time, so that memory does not grow with what they hold.

Each file is read once and lies uncompressed beside the target meanwhile, from where a range is mapped without a copy.
"""

import bisect
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from include.parquet import write_stream

RANGE = 16_384
"""Rows that are looked at together, about; a key whose rows are more stays whole."""


def merge(paths: Sequence[Path], schema: pa.Schema, reduce: Callable[[pa.Table], pa.Table], target: Path) -> None:
    """Write what `reduce` makes of all rows of some keys, all keys in order.

    Args:
        paths: files with (at least) the columns of the schema, each sorted by its first column, the key.
        reduce: rows of some keys, those of earlier files first -> rows sorted by the key; of each key by itself.

    Raises:
        TryAgain: the disk refused; the target is not there then.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".") as beside:
        write_stream(map(reduce, _ranges(paths, schema, Path(beside))), schema, target)
    pa.default_memory_pool().release_unused()


def _mapped(path: Path, schema: pa.Schema, beside: Path) -> pa.Table:
    """The columns of a file, from a copy that is mapped."""
    with pq.ParquetFile(path) as file, pa.ipc.new_file(str(beside), schema) as writer:
        for batch in file.iter_batches(columns=schema.names, use_threads=False):
            writer.write_batch(batch.select(schema.names).cast(schema))
    return pa.ipc.open_file(pa.memory_map(str(beside))).read_all()


def _ranges(paths: Sequence[Path], schema: pa.Schema, beside: Path) -> Iterator[pa.Table]:
    """The rows of all files, by ranges of the key."""
    tables = [_mapped(path, schema, beside / f"{number}.arrow") for number, path in enumerate(paths)]
    keys = pa.chunked_array([pc.unique(table[0]) for table in tables], schema[0].type).unique().sort()
    ranges = 1 + sum(table.num_rows for table in tables) // RANGE
    starts = keys.take(pa.array(range(0, len(keys), max(1, len(keys) // ranges)), pa.int64())).to_pylist()
    bounds = [[*(_place(table[0], start) for start in starts), table.num_rows] for table in tables]
    for at in range(len(starts)):
        yield pa.concat_tables([table.slice(one[at], one[at + 1] - one[at]) for table, one in zip(tables, bounds, strict=True)])


def _place(column: pa.ChunkedArray, value: Any) -> int:
    """Where the rows of a sorted column that are not below a value begin."""
    return bisect.bisect_left(range(len(column)), value, key=lambda row: column[row].as_py())
