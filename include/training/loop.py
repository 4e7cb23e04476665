"""The one training loop: steps in an order that depends on the seed alone, so that a killed run can go on where it was."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from include.errors import Refused
from include.jobs.frame import progress
from include.training.checkpoint import Checkpoint

log = logging.getLogger("nightfill")
SPOKEN = 50
"""Steps between two lines of progress."""


@dataclass(frozen=True)
class Course:
    """What is repeated.

    Args:
        epochs: how often.
        plan: epoch -> its steps in order, each whatever `batch` understands.
        batch: a planned step -> the arguments of `step`.
        step: one step, which changes `state` and gives the loss.
        state: every variable that a step changes, those of the optimiser too, by name.
    """

    epochs: int
    plan: Callable[[int], Sequence[Any]]
    batch: Callable[[Any], tuple[Any, ...]]
    step: Callable[..., tf.Tensor]
    state: Mapping[str, tf.Variable]


def train(course: Course, checkpoint: Checkpoint | None = None) -> list[list[float]]:
    """All steps that the checkpoint has not seen; returns the losses of all steps, by epoch.

    Raises:
        Refused: the loss is not a number.
    """
    losses = checkpoint.restore(course.state) if checkpoint else []
    started, before = time.time(), len(losses)
    epochs: list[list[float]] = []
    for number in range(course.epochs):
        plan, first = course.plan(number), sum(map(len, epochs))
        for planned in plan[max(0, len(losses) - first) :]:
            losses.append(float(course.step(*course.batch(planned))))
            if len(losses) % SPOKEN == 0:
                progress(len(losses) - before, course.epochs * len(plan) - before, "training steps", started)
            if checkpoint:
                checkpoint.save(course.state, losses)
        epochs.append(losses[first : first + len(plan)])
        loss = float(np.mean(epochs[-1]))
        log.info("epoch %d of %d: loss %.4f", number + 1, course.epochs, loss)
        if not np.isfinite(loss):
            raise Refused(f"The loss became {loss} in epoch {number + 1}", "Look for odd values in the features")
    if checkpoint:
        checkpoint.save(course.state, losses, at_once=True)
    return epochs


def state_of(weights: Mapping[str, tf.Variable], **optimisers: Any) -> dict[str, tf.Variable]:
    """The variables of weights and of built optimisers, by name."""
    inner = {f"{name}/{i}": value for name, one in optimisers.items() for i, value in enumerate(one.variables)}
    return {**weights, **inner}
