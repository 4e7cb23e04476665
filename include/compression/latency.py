"""Is the compressed graph as fast? Both are asked in turn in one process, so that a busy machine slows both alike."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

Ask = Callable[[], object]
DRAWS = 1000


def interleaved(first: Sequence[Ask], second: Sequence[Ask], rounds: int) -> np.ndarray:
    """Seconds [rounds, 2] of asking all of `first` and all of `second`; who goes first changes every round."""
    for ask in (*first, *second):
        ask()
        ask()
    seconds = np.empty((rounds, 2))
    for i in range(rounds):
        for side in (0, 1) if i % 2 == 0 else (1, 0):
            started = time.perf_counter()
            for ask in (first, second)[side]:
                ask()
            seconds[i, side] = time.perf_counter() - started
    return seconds


def ratio(seconds: np.ndarray, seed: int = 0) -> tuple[float, float, float]:
    """Median of second / median of first, with its 95 % bootstrap interval over rounds: (value, low, high)."""
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, len(seconds), (DRAWS, len(seconds)))
    medians = np.median(seconds[drawn], axis=1)
    low, high = np.quantile(medians[:, 1] / medians[:, 0], [0.025, 0.975])
    value = np.median(seconds[:, 1]) / np.median(seconds[:, 0])
    return float(value), float(low), float(high)


def bundle_questions(bundle: Path, batches: Sequence[dict[str, np.ndarray]]) -> list[Ask]:
    """One call of the loaded bundle's signature for each batch."""
    loaded = tf.saved_model.load(str(bundle))
    signature = loaded.signatures["serving_default"]
    asks: list[Ask] = []
    for batch in batches:
        fixed = {name: tf.constant(value) for name, value in batch.items()}
        # The loaded object is kept by the closure: its variables die with it.
        asks.append(lambda fixed=fixed, loaded=loaded: signature(**fixed)["score"].numpy())
    return asks
