"""Mean and standard deviation of every feature over the training window; later nights never move them."""

import numpy as np

from include.models.tables import ProductTable
from include.training.examples import Examples


def fit_scalers(examples: list[Examples], tables: list[ProductTable]) -> dict[str, np.ndarray]:
    """Weights by name: `<side>_mean` and `<side>_deviation` float32. A feature that never changes has deviation 1."""
    sides = {
        "history": [part.history_features for part in examples],
        "product": [table.features[table.universe] for table in tables],
        "household": [part.household_features for part in examples],
    }
    out = {}
    for side, parts in sides.items():
        mean, deviation = _moments(parts)
        out[f"{side}_mean"], out[f"{side}_deviation"] = mean, deviation
    return out


def _moments(parts: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    count = max(sum(len(part) for part in parts), 1)
    mean = sum(part.sum(axis=0, dtype=np.float64) for part in parts) / count
    square = sum(((part - mean) ** 2).sum(axis=0) for part in parts) / count
    deviation = np.sqrt(square)
    return np.asarray(mean, np.float32), np.where(deviation > 1e-6, deviation, 1.0).astype(np.float32)
