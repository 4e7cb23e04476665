"""Mean and standard deviation of every feature over the training window; later nights never move them."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from include.models.tables import ProductTable
from include.training.examples import Parts


def fit_scalers(nights: Sequence[Parts], tables: list[ProductTable]) -> dict[str, np.ndarray]:
    """Weights by name: `<side>_mean` and `<side>_deviation` float32. A feature that never changes has deviation 1."""
    moments: dict[str, Moments] = {}
    for side, values in _read(nights, tables):
        moments[side] = moments[side].and_of(values) if side in moments else Moments.of(values)
    out = {}
    for side, found in moments.items():
        deviation = np.sqrt(found.square / max(found.rows, 1))
        out[f"{side}_mean"] = found.mean.astype(np.float32)
        out[f"{side}_deviation"] = np.where(deviation > 1e-6, deviation, 1.0).astype(np.float32)
    return out


def _read(nights: Sequence[Parts], tables: list[ProductTable]) -> Iterator[tuple[str, np.ndarray]]:
    """Rows of features by side, a part at a time."""
    for night in nights:
        for number in range(night.parts):
            part = night.part(number)
            yield "history", part.history_features
            yield "household", part.household_features
    for table in tables:
        yield "product", table.features[table.universe]


class Moments(NamedTuple):
    """Of rows seen so far: their number, mean [F], and sum of squared differences from it [F] (Chan, Golub and LeVeque,
    Updating formulae and a pairwise algorithm for computing sample variances, 1979)."""

    rows: int
    mean: np.ndarray
    square: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray) -> "Moments":
        mean = values.sum(axis=0, dtype=np.float64) / max(len(values), 1)
        return cls(len(values), mean, ((values - mean) ** 2).sum(axis=0))

    def and_of(self, values: np.ndarray) -> "Moments":
        more = Moments.of(values)
        count, apart = self.rows + more.rows, more.mean - self.mean
        share = more.rows / max(count, 1)
        return Moments(count, self.mean + apart * share, self.square + more.square + apart**2 * self.rows * share)
