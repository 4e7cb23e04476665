"""A model that takes too long: a loop of small matrix products, as long as this machine needs for some seconds."""

import time

import tensorflow as tf

from include.drills.spoilt import Answer, Change

SIDE = 64
TRIED = 2000
"""Rounds that are timed to learn this machine's speed."""


def work(rounds: tf.Tensor) -> tf.Tensor:
    """A number that takes `rounds` rounds to find."""

    def body(i: tf.Tensor, a: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return i + 1, tf.clip_by_value(tf.matmul(a, a), -1.0, 1.0)

    _, a = tf.while_loop(lambda i, a: i < rounds, body, [tf.constant(0), tf.fill([SIDE, SIDE], 0.5)])
    return a[0, 0]


def slow(seconds: float) -> Change:
    """Every spoilt answer waits for so much work."""
    rounds = max(1, round(TRIED * seconds / _measure()))

    def change(answer: Answer, spoil: tf.Tensor) -> Answer:
        done = work(tf.where(spoil, rounds, 0))
        return {**answer, "score": answer["score"] + 0.0 * done}

    return change


def _measure() -> float:
    """Seconds that TRIED rounds take here, at best of three."""
    timed = tf.function(work)
    timed(tf.constant(1))
    taken = []
    for _ in range(3):
        began = time.perf_counter()
        timed(tf.constant(TRIED)).numpy()
        taken.append(time.perf_counter() - began)
    return min(taken)
