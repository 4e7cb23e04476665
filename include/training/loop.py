"""The one training loop: steps in an order that depends on the seed alone, so that a killed run can go on where it was.

A step's batch is cut into as many shares as there are devices and workers (`strategy.py`); each computes the gradient of the
sum of its losses, the sums are added, and every worker changes its weights by the same mean. Batches are read and made ahead of
the steps, by tf.data.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np
import tensorflow as tf

from include.errors import Refused
from include.jobs.frame import progress
from include.training.checkpoint import Checkpoint
from include.training.strategy import Strategy
from include.training.warm import Start

log = logging.getLogger("nightfill")
SPOKEN = 50
"""Steps between two lines of progress; the last step has one as well."""
AHEAD = 2
"""Batches that are made before they are asked for."""
WIDE = ("history_features", "household_features", "features", "inner", "outer")
"""Tensors whose last axis is as wide in every batch; all other sizes may change from batch to batch."""

Side = dict[str, tf.Tensor]
Batches = Iterator[tuple[int, list[dict[str, Any]]]]


@dataclass(frozen=True)
class Course:
    """What is repeated.

    Args:
        epochs: how often.
        plan: epoch -> its steps in order, each whatever `batches` understands; every epoch has as many.
        batches: (planned steps, shares) -> of each step the number of its side, and the asked shares of its batch.
        sides: what many batches have in common.
        loss: (side, batch) -> losses float32 [n], whose mean over all shares is made smaller.
        weights: what the loss is differentiated by.
        apply: takes that mean's gradients, and changes `state`.
        state: every variable that a step changes, those of the optimiser too, by name.
    """

    epochs: int
    plan: Callable[[int], Sequence[Any]]
    batches: Callable[[Sequence[Any], Sequence[slice]], Batches]
    sides: Sequence[Side]
    loss: Callable[[Side, dict[str, tf.Tensor]], tf.Tensor]
    weights: Sequence[Any]
    apply: Callable[[list[tf.Tensor]], None]
    state: Mapping[str, tf.Variable]


@dataclass(frozen=True)
class Run:
    """How a course is run: what a killed one goes on from, where its steps are computed, which model it starts from."""

    checkpoint: Checkpoint | None = None
    strategy: Strategy = field(default_factory=Strategy)
    start: Start | None = None


def train(course: Course, run: Run) -> list[list[float]]:
    """All steps that the checkpoint has not seen; returns the losses of all steps, by epoch.

    Raises:
        Refused: the loss is not a number.
        TryAgain: another worker was lost.
    """
    checkpoint, strategy = run.checkpoint, run.strategy
    losses = checkpoint.restore(course.state) if checkpoint else []
    size, started, before = len(course.plan(0)), time.time(), len(losses)
    steps = course.epochs * size
    step: Callable[..., tf.Tensor] | None = None
    for side, shares in _ahead(_batches(course, before, size, strategy.shares), steps - before):
        step = step or _compiled(course, strategy, course.sides[side], shares)
        losses.append(strategy.wait(step, course.sides[side], shares))
        if len(losses) % size == 0:
            _judge(len(losses) // size, course.epochs, float(np.mean(losses[-size:])))
        if len(losses) % SPOKEN == 0 or len(losses) == steps:
            progress(len(losses) - before, steps - before, "training steps", started)
        if checkpoint and strategy.chief:
            checkpoint.save(course.state, losses, at_once=len(losses) == steps)
    return [losses[first : first + size] for first in range(0, len(losses), size)]


def _judge(epoch: int, epochs: int, loss: float) -> None:
    log.info("epoch %d of %d: loss %.4f", epoch, epochs, loss)
    if not np.isfinite(loss):
        raise Refused(f"The loss became {loss} in epoch {epoch}", "Look for odd values in the features")


def _batches(course: Course, done: int, size: int, shares: Sequence[slice]) -> Batches:
    """Of all steps after the first so many."""
    for epoch in range(done // size, course.epochs):
        yield from course.batches(course.plan(epoch)[max(0, done - epoch * size) :], shares)


def _compiled(
    course: Course, strategy: Strategy, side: Side, shares: tuple[dict[str, tf.Tensor], ...]
) -> Callable[..., tf.Tensor]:
    """One graph for batches of every size: graphs made for single sizes may differ in the last bits, and which are made depends
    on where a training was broken off."""

    @tf.function(input_signature=[_any_size(side), tuple(_any_size(share) for share in shares)])
    def step(side: Side, shares: tuple[dict[str, tf.Tensor], ...]) -> tf.Tensor:
        def share(number: int) -> list[tf.Tensor]:
            with tf.GradientTape() as tape:
                each = course.loss(side, shares[number])
                total = tf.reduce_sum(each)
            found = tape.gradient(total, list(course.weights), unconnected_gradients=tf.UnconnectedGradients.ZERO)
            return [*map(tf.convert_to_tensor, found), total, tf.cast(tf.size(each), tf.float32)]

        *gradients, total, count = strategy.sum(share)
        course.apply([gradient / count for gradient in gradients])
        return total / count

    return step


def _any_size(values: Mapping[str, Any]) -> dict[str, Any]:
    def spec(name: str, value: Any) -> Any:
        if isinstance(value, tf.SparseTensor):
            return tf.SparseTensorSpec([None, value.shape[1]], value.dtype)
        sizes: list[int | None] = [None] * len(value.shape)
        sizes[-1:] = [value.shape[-1]] if name in WIDE else sizes[-1:]
        return tf.TensorSpec(sizes, value.dtype)

    return {name: spec(name, value) for name, value in values.items()}


def _ahead(batches: Batches, steps: int) -> Iterator[tuple[int, tuple[dict[str, tf.Tensor], ...]]]:
    """The same, made by a thread of tf.data while earlier batches are computed. Raises what making them raises."""
    first = next(batches, None)
    if first is None:
        return
    coming, failed = chain([first], batches), list[BaseException]()

    def made() -> list[Any]:
        try:
            return tf.nest.flatten(next(coming), expand_composites=True)
        except BaseException as error:
            failed.append(error)
            raise

    kinds = [_kind(value) for value in tf.nest.flatten(first, expand_composites=True)]
    data = tf.data.Dataset.range(steps).map(lambda _: tf.numpy_function(made, [], kinds)).prefetch(AHEAD)
    try:
        for flat in data:
            side, shares = tf.nest.pack_sequence_as(first, flat, expand_composites=True)
            yield int(side), tuple(shares)
    except tf.errors.OpError:
        if failed:
            raise failed[0] from None
        raise


def _kind(value: Any) -> tf.DType:
    kind = np.asarray(value).dtype
    return tf.string if kind.hasobject else tf.as_dtype(kind)


def state_of(weights: Mapping[str, tf.Variable], **optimisers: Any) -> dict[str, tf.Variable]:
    """The variables of weights and of built optimisers, by name."""
    inner = {f"{name}/{i}": value for name, one in optimisers.items() for i, value in enumerate(one.variables)}
    return {**weights, **inner}
