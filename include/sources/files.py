"""Reading a source's Parquet files: what is wrong with one is said in a sentence, at the door."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from include.errors import Refused


def open_parquet(path: Path, columns: Sequence[str], read_dictionary: Sequence[str] = ()) -> pq.ParquetFile:
    """Open a file and see that it has these columns.

    Raises:
        Refused: it is missing, no Parquet file, or lacks a column.
    """
    if not path.is_file():
        raise Refused(f"The source file {path} is missing", "Put it there, or correct the source's folder")
    try:
        file = pq.ParquetFile(path, read_dictionary=list(read_dictionary))
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(path, error) from error
    missing = [name for name in columns if name not in file.schema_arrow.names]
    if missing:
        raise Refused(
            f"The source file {path.name} has no column {', '.join(missing)}",
            "Deliver the file with that column, or correct the source's mapping",
        )
    return file


def read_columns(path: Path, columns: Sequence[str]) -> pa.Table:
    """These columns of a file. Raises Refused as `open_parquet` does, and when its bytes are damaged."""
    file = open_parquet(path, columns)
    try:
        return file.read(columns=list(columns)).combine_chunks()
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(path, error) from error


def iterate(path: Path, columns: Sequence[str], texts: Sequence[str], rows: int = 1 << 20) -> Iterator[pa.RecordBatch]:
    """The file in pieces; `texts` come as dictionaries, so that a long file of few words stays small."""
    file = open_parquet(path, columns, texts)
    try:
        yield from file.iter_batches(batch_size=rows, columns=list(columns))
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(path, error) from error


def cast(table: pa.Table, column: str, to: pa.DataType, path: Path) -> pa.ChunkedArray:
    """One column in another type. Raises Refused when a value does not fit."""
    try:
        return table[column].cast(to)
    except pa.ArrowException as error:
        raise Refused(
            f"Column {column} of {path.name} holds values that are no {to}", "Correct the file and land it again"
        ) from error


def cents(table: pa.Table, column: str, path: Path) -> pa.ChunkedArray:
    """Money in whole cents, int64; what is no finite number becomes null."""
    money = cast(table, column, pa.float64(), path)
    return pc.round(pc.multiply(pc.if_else(pc.is_finite(money), money, None), 100.0)).cast(pa.int64())


def _unreadable(path: Path, error: Exception) -> Refused:
    return Refused(f"The source file {path} cannot be read: {str(error)[:200]}", "Deliver the file again")
