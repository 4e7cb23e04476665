"""One way to write a Parquet file: equal tables give equal bytes, whoever computed them and in how many pieces."""

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from include.errors import TryAgain

GROUP = 1 << 16
"""Rows of a group in a file that is written as its rows come."""


def write_canonical(table: Any, path: Path) -> Path:
    """Write a pyarrow table as one row group without metadata of its own.

    Raises:
        TryAgain: the disk refused, for example because it is full; no file is left then.
    """
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    plain = table.replace_schema_metadata(None).combine_chunks()
    with _whole_or_not(path):
        pq.write_table(plain, path, compression="zstd", row_group_size=max(1, plain.num_rows), store_schema=False)
    return path


def write_stream(tables: Iterable[Any], schema: Any, path: Path) -> Path:
    """Write tables one after the other, in groups of GROUP rows however they are cut. Raises TryAgain, as above."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    left = schema.empty_table()
    with _whole_or_not(path), pq.ParquetWriter(path, schema, compression="zstd", store_schema=False) as writer:
        for table in tables:
            left = pa.concat_tables([left, table])
            full = left.num_rows // GROUP * GROUP
            writer.write_table(left.slice(0, full), GROUP) if full else None
            left = left.slice(full)
        writer.write_table(left.combine_chunks(), GROUP)
    return path


@contextlib.contextmanager
def _whole_or_not(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        path.unlink(missing_ok=True)
        raise TryAgain(f"Could not write {path}: {error}", "Free some disk space and run it again") from error


def read_small(path: Path) -> Any:
    """A small file as a pyarrow table, without the cost of threads."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        return file.read(use_threads=False)
