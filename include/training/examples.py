"""Examples of one night on disk: households that bought something of the universe in the week after it.

One Parquet row a household; a history is a list, so no slot is padded on disk:
    household string, history_product list<int32> [S], history_features list<float> [S x F], household_features list<float> [G],
    bought list<int32> (product indices of the universe bought in the seven days after the night)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from include.errors import Refused


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


@dataclass(frozen=True)
class Examples:
    """Q households as of one night; history features are aligned with history products."""

    household: list[str]
    history_product: Ragged
    history_features: np.ndarray
    household_features: np.ndarray
    bought: Ragged

    def __len__(self) -> int:
        return len(self.household)

    def inputs(self, chosen: Sequence[int] | np.ndarray) -> dict[str, np.ndarray]:
        """The inputs of the served signature for some households, padded to the longest of them."""
        lengths = self.history_product.lengths[np.asarray(chosen, np.int64)]
        slots = max(1, int(lengths.max(initial=0)))
        product = np.full((len(lengths), slots), -1, np.int32)
        features = np.zeros((len(lengths), slots, self.history_features.shape[1]), np.float32)
        for row, i in enumerate(chosen):
            start, end = self.history_product.offsets[i], self.history_product.offsets[i + 1]
            product[row, : end - start] = self.history_product.values[start:end]
            features[row, : end - start] = self.history_features[start:end]
        return {
            "history_product": product,
            "history_features": features,
            "household_features": self.household_features[np.asarray(chosen, np.int64)],
            "exclude_bought": np.zeros(len(lengths), bool),
        }


def signature_inputs(examples: Examples) -> dict[str, np.ndarray]:
    """All of them in one batch of the served signature; every second household asks for new products only."""
    return examples.inputs(range(len(examples))) | {"exclude_bought": np.arange(len(examples)) % 2 == 1}


def ragged(rows: Sequence[np.ndarray], kind: type = np.int32) -> Ragged:
    """Lay rows end to end."""
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    return Ragged(np.concatenate([*rows, np.zeros(0, kind)]).astype(kind), offsets)


def write_examples(examples: Examples, path: Path) -> None:
    width = examples.history_features.shape[1]
    slots, bought = examples.history_product, examples.bought
    columns = {
        "household": pa.array(examples.household, pa.string()),
        "history_product": _lists(slots.values, slots.offsets, pa.int32()),
        "history_features": _lists(examples.history_features.ravel(), slots.offsets * width, pa.float32()),
        "household_features": matrix(examples.household_features),
        "bought": _lists(bought.values, bought.offsets, pa.int32()),
    }
    table = pa.table(columns).replace_schema_metadata({"history_width": str(width)})
    pq.write_table(table, path, compression="lz4", row_group_size=512)


def read_examples(path: Path) -> Examples:
    """Read what `write_examples` wrote.

    Raises:
        Refused: there is no such file, or it has other columns.
    """
    try:
        table = pq.read_table(path).combine_chunks()
        width = int(table.schema.metadata[b"history_width"])
        slots, bought = _ragged(table["history_product"]), _ragged(table["bought"])
        features = _ragged(table["history_features"]).values.reshape(len(slots.values), width)
        household = read_matrix(table["household_features"])
    except (OSError, KeyError, TypeError, pa.ArrowException) as error:
        raise Refused(f"The examples {path} cannot be read: {error}", "Run assemble_examples again") from error
    return Examples(table["household"].to_pylist(), slots, features, household, bought)


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
