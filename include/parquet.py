"""One way to write a Parquet file: equal tables give equal bytes, whoever computed them and in how many pieces."""

from pathlib import Path
from typing import Any

from include.errors import TryAgain


def write_canonical(table: Any, path: Path) -> Path:
    """Write a pyarrow table as one row group without metadata of its own.

    Raises:
        TryAgain: the disk refused, for example because it is full; no file is left then.
    """
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    plain = table.replace_schema_metadata(None).combine_chunks()
    try:
        pq.write_table(plain, path, compression="zstd", row_group_size=max(1, plain.num_rows), store_schema=False)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise TryAgain(f"Could not write {path}: {error}", "Free some disk space and run it again") from error
    return path


def read_small(path: Path) -> Any:
    """A small file as a pyarrow table, without the cost of threads."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        return file.read(use_threads=False)
