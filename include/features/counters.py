"""Sorted counter rows, and their state as of a night: the part that the numpy readers share."""

import datetime as dt

import numpy as np
import pyarrow as pa

EPOCH = dt.date(1970, 1, 1)


def day_number(day: dt.date) -> int:
    """Days since 1970-01-01, as Arrow keeps a date."""
    return (day - EPOCH).days


def days(column: pa.ChunkedArray) -> np.ndarray:
    """int32 day numbers of a date column; a null becomes -1."""
    return column.cast(pa.int32()).fill_null(-1).to_numpy()


class Counters:
    """Rows of one entity sorted by (entity, day); at most one row an entity and day.

    Args:
        entity: int [N], 0 .. size - 1, ascending; every entity has a row.
        day: int [N], ascending within an entity.
        columns: int64 [N] each.
        size: number of entities.
    """

    def __init__(self, entity: np.ndarray, day: np.ndarray, columns: dict[str, np.ndarray], size: int) -> None:
        self.entity = entity
        self.day = day
        self.columns = columns
        self.size = size
        self.start = np.searchsorted(entity, np.arange(size))

    def rows_until(self, day: int) -> np.ndarray:
        """int64 [size]: how many rows of each entity lie on or before a day."""
        if not self.size:
            return np.zeros(0, np.int64)
        return np.add.reduceat((self.day <= day).astype(np.int64), self.start)

    def last_row(self, day: int) -> np.ndarray:
        """int64 [size]: index of each entity's last row on or before a day, or -1."""
        rows = self.rows_until(day)
        return np.where(rows > 0, self.start + rows - 1, -1)

    def at(self, name: str, row: np.ndarray) -> np.ndarray:
        """int64: a column at these rows, 0 where the row is -1."""
        return np.where(row >= 0, self.columns[name][np.maximum(row, 0)], 0) if len(self.day) else np.zeros(len(row), np.int64)

    def decayed(self, day: int, tau: float, name: str = "days") -> np.ndarray:
        """float64 [size]: the sum over an entity's days d up to `day` of a column (`days`: 1 each) times exp(-(day - d) / tau),
        added in date order."""
        age = day - self.day
        longest = int(age.max(initial=0)) + 1
        weights = np.append(np.exp(-np.arange(longest) / tau), 0.0)[np.where(age < 0, longest, age)]
        weights = weights if name == "days" else weights * self.columns[name]
        return np.bincount(self.entity, weights=weights, minlength=self.size)
