"""The smallest course with an optimiser: a plane through points, by Adam."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from include.training.loop import Batches, Course, Run, state_of, train

STEPS = 12


def fit_line(run: Run) -> dict[str, np.ndarray]:
    """Weights by name."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(STEPS, 7, 3)).astype(np.float32)
    y = x @ np.array([1.0, -2.0, 0.5], np.float32)
    weights = {"slope": tf.Variable(np.zeros(3, np.float32)), "height": tf.Variable([0.0])}
    values = list(weights.values())
    adam = keras.optimizers.Adam(0.05, global_clipnorm=1.0)
    adam.build(values)

    def batches(plan: Sequence[int], shares: Sequence[slice]) -> Batches:
        for number in plan:
            yield 0, [{"x": x[number][share], "y": y[number][share]} for share in shares]

    loss = lambda _, one: (tf.linalg.matvec(one["x"], weights["slope"]) + weights["height"] - one["y"]) ** 2
    apply = lambda gradients: adam.apply(gradients, values)
    train(Course(2, lambda _: range(STEPS), batches, [{}], loss, values, apply, state_of(weights, adam=adam)), run)
    return {name: value.numpy() for name, value in weights.items()}
