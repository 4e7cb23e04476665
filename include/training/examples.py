"""Examples of one night on disk: households that bought something of the universe in the week after it.

One Parquet row a household; a history is a list, so no slot is padded on disk:
    household string, history_product list<int32> [S], history_features list<float> [S x F], household_features list<float> [G],
    bought list<int32> (product indices of the universe bought in the seven days after the night)

Training reads them a part (a row group) at a time, and never holds a night.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from include.errors import Refused

PART = 512
"""Households of a part at most."""


class Parts(Protocol):
    """One night's examples, cut into parts of at most PART households."""

    @property
    def parts(self) -> int: ...

    def part(self, number: int) -> "Examples": ...


@dataclass(frozen=True)
class Ragged:
    """Rows of different length laid end to end: `values` [S, ...], `offsets` int64 [Q + 1]."""

    values: np.ndarray
    offsets: np.ndarray

    @property
    def lengths(self) -> np.ndarray:
        return np.diff(self.offsets)

    def row(self, i: int) -> np.ndarray:
        return self.values[self.offsets[i] : self.offsets[i + 1]]

    def places(self, chosen: np.ndarray) -> np.ndarray:
        """Where the values of some rows lie, row after row: int64."""
        lengths = self.lengths[chosen]
        starts = self.offsets[chosen] - (np.cumsum(lengths) - lengths)
        return np.repeat(starts, lengths) + np.arange(lengths.sum())

    def rows(self, first: int, last: int) -> "Ragged":
        offsets = self.offsets[first : last + 1]
        return Ragged(self.values[offsets[0] : offsets[-1]], offsets - offsets[0])


@dataclass(frozen=True)
class Examples:
    """Q households as of one night; history features are aligned with history products. In parts, they are Parts."""

    household: list[str]
    history_product: Ragged
    history_features: np.ndarray
    household_features: np.ndarray
    bought: Ragged

    def __len__(self) -> int:
        return len(self.household)

    @property
    def parts(self) -> int:
        return -(-len(self) // PART)

    def part(self, number: int) -> "Examples":
        first, last = number * PART, min((number + 1) * PART, len(self))
        start, end = self.history_product.offsets[[first, last]]
        return Examples(
            self.household[first:last],
            self.history_product.rows(first, last),
            self.history_features[start:end],
            self.household_features[first:last],
            self.bought.rows(first, last),
        )

    def inputs(self, chosen: Sequence[int] | np.ndarray) -> dict[str, np.ndarray]:
        """The inputs of the served signature for some households, padded to the longest of them."""
        chosen = np.asarray(chosen, np.int64)
        lengths = self.history_product.lengths[chosen]
        filled = np.arange(max(1, int(lengths.max(initial=0)))) < lengths[:, None]
        slots = self.history_product.places(chosen)
        product = np.full(filled.shape, -1, np.int32)
        features = np.zeros((*filled.shape, self.history_features.shape[1]), np.float32)
        product[filled] = self.history_product.values[slots]
        features[filled] = self.history_features[slots]
        return {
            "history_product": product,
            "history_features": features,
            "household_features": self.household_features[chosen],
            "exclude_bought": np.zeros(len(chosen), bool),
        }


def signature_inputs(examples: Examples) -> dict[str, np.ndarray]:
    """All of them in one batch of the served signature; every second household asks for new products only."""
    return examples.inputs(range(len(examples))) | {"exclude_bought": np.arange(len(examples)) % 2 == 1}


def ragged(rows: Sequence[np.ndarray], kind: type = np.int32) -> Ragged:
    """Lay rows end to end."""
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    return Ragged(np.concatenate([*rows, np.zeros(0, kind)]).astype(kind), offsets)


class ExampleFile:
    """The Parts that `write_examples` wrote: one is read at a time, and none is kept.

    Raises:
        Refused: there is no such file, or it has other columns.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def _file(self) -> pq.ParquetFile:
        try:
            return pq.ParquetFile(self.path)
        except (OSError, pa.ArrowException) as error:
            raise _unreadable(self.path, error) from error

    @property
    def parts(self) -> int:
        return self._file.num_row_groups

    def part(self, number: int) -> Examples:
        try:
            return _examples(self._file.read_row_group(number, use_threads=False))
        except (OSError, KeyError, TypeError, pa.ArrowException) as error:
            raise _unreadable(self.path, error) from error


def write_examples(pieces: Iterable[Examples], path: Path) -> int:
    """Write pieces of any size as parts, one after the other; there is one piece at least. Returns the number of households."""
    count, writer = 0, None
    try:
        for piece in pieces:
            table = _table(piece)
            writer = writer or pq.ParquetWriter(path, table.schema, compression="lz4")
            writer.write_table(table, row_group_size=PART)
            count += len(piece)
    finally:
        if writer:
            writer.close()
    return count


def _table(examples: Examples) -> pa.Table:
    width = examples.history_features.shape[1]
    slots, bought = examples.history_product, examples.bought
    columns = {
        "household": pa.array(examples.household, pa.string()),
        "history_product": _lists(slots.values, slots.offsets, pa.int32()),
        "history_features": _lists(examples.history_features.ravel(), slots.offsets * width, pa.float32()),
        "household_features": matrix(examples.household_features),
        "bought": _lists(bought.values, bought.offsets, pa.int32()),
    }
    return pa.table(columns).replace_schema_metadata({"history_width": str(width)})


def read_examples(path: Path) -> Examples:
    """All that `write_examples` wrote.

    Raises:
        Refused: there is no such file, or it has other columns.
    """
    try:
        return _examples(pq.read_table(path))
    except (OSError, KeyError, TypeError, pa.ArrowException) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> Refused:
    return Refused(f"The examples {path} cannot be read: {error}", "Run assemble_examples again")


def _examples(read: pa.Table) -> Examples:
    table = read.combine_chunks()
    width = int(table.schema.metadata[b"history_width"])
    slots, bought = _ragged(table["history_product"]), _ragged(table["bought"])
    features = _ragged(table["history_features"]).values.reshape(len(slots.values), width)
    return Examples(table["household"].to_pylist(), slots, features, read_matrix(table["household_features"]), bought)


def read_matrix(column: pa.ChunkedArray) -> np.ndarray:
    """A column of fixed-size lists as float32 [rows, width]."""
    width = column.type.list_size
    parts = [chunk.flatten().to_numpy(zero_copy_only=False) for chunk in column.chunks]
    return (
        np.concatenate([*parts, np.zeros(0, np.float32)]).reshape(-1, width)
        if width
        else np.zeros((len(column), 0), np.float32)
    )


def matrix(values: np.ndarray) -> pa.Array:
    """float32 [rows, width] as a column of fixed-size lists."""
    return pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(values, np.float32).ravel()), values.shape[1])


def _lists(values: np.ndarray, offsets: np.ndarray, kind: pa.DataType) -> pa.Array:
    return pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64()), pa.array(values, kind))


def _ragged(column: pa.ChunkedArray) -> Ragged:
    parts = list(column.chunks)
    lengths = np.concatenate([np.diff(chunk.offsets.to_numpy()) for chunk in parts] + [np.zeros(0, np.int64)])
    values = [chunk.flatten().to_numpy(zero_copy_only=False) for chunk in parts]
    kind = column.type.value_type.to_pandas_dtype()
    return Ragged(np.concatenate([*values, np.zeros(0, kind)]), np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))
