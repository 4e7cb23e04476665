"""Is the compressed graph as fast? Both are asked the same question back to back in one process, so that a busy machine
slows both alike, and a pair of timings says more than two averages."""

import functools
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

Ask = Callable[[], object]
DRAWS = 1000
NARROW = 0.02
"""An interval of this width is enough; a busy machine is asked longer, up to the time limit."""


def interleaved(first: Sequence[Ask], second: Sequence[Ask], rounds: int) -> np.ndarray:
    """Seconds [rounds, questions, 2] of asking each question of both sides in turn; who goes first changes every round."""
    seconds = np.empty((rounds, len(first), 2))
    for i in range(rounds):
        for question in range(len(first)):
            for side in (0, 1) if i % 2 == 0 else (1, 0):
                started = time.perf_counter()
                (first, second)[side][question]()
                seconds[i, question, side] = time.perf_counter() - started
    return seconds


def compare(first: Sequence[Ask], second: Sequence[Ask], rounds: int = 100, limit: float = 30.0) -> tuple[float, float, float]:
    """Latency ratio second / first with its interval, asked in blocks of `rounds` until it is narrow or `limit` seconds."""
    interleaved(first, second, 3)  # warm both up
    started, blocks = time.perf_counter(), []
    while True:
        blocks.append(interleaved(first, second, rounds))
        value, low, high = ratio(np.concatenate(blocks))
        if high - low <= NARROW or time.perf_counter() - started > limit:
            return value, low, high


def ratio(seconds: np.ndarray, seed: int = 0) -> tuple[float, float, float]:
    """How many times slower the second side is, with a 95 % bootstrap interval over rounds: (value, low, high).

    Of each question the median over rounds of its pairs' log ratio, averaged over the questions.
    """
    logs = np.log(seconds[:, :, 1] / seconds[:, :, 0])
    rng = np.random.default_rng(seed)
    drawn = [np.median(logs[rng.integers(0, len(logs), len(logs))], axis=0).mean() for _ in range(DRAWS)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return tuple(float(np.exp(x)) for x in (np.median(logs, axis=0).mean(), low, high))  # type: ignore[return-value]


def bundle_questions(bundle: Path, batches: Sequence[dict[str, np.ndarray]]) -> list[Ask]:
    """One call of the loaded bundle's signature for each batch."""
    loaded = tf.saved_model.load(str(bundle))
    signature = loaded.signatures["serving_default"]

    def ask(fixed: dict[str, tf.Tensor], keep: object) -> np.ndarray:
        return signature(**fixed)["score"].numpy()

    fixed = [{name: tf.constant(value) for name, value in batch.items()} for batch in batches]
    # The loaded object goes with each question: its variables die with it.
    return [functools.partial(ask, each, loaded) for each in fixed]
