"""The two-stage ranker in training: three listwise losses, and weights that are averaged over the steps.

    loss(h) = listwise over slots and shortlist
              + NEW * listwise over the shortlist alone, for households that bought one of it
              + listwise of the first stage over all hot products, likewise

The shortlist is what the first stage finds at that step, as it will be when it is served; no gradient goes through the choice.
What is kept are not the last weights but their average, a <- a + (w - a) / AVERAGED at each step (Polyak and Juditsky,
Acceleration of stochastic approximation by averaging, 1992).
"""

import time
from collections.abc import Callable, Mapping

import tensorflow as tf

from include.models import candidates, two_stage_scoring
from include.models.factor_tables import factor_tables
from include.models.tables import ProductTable
from include.models.two_stage import TwoStage
from include.recipes.recipe import Recipe
from include.training.batches import Night
from include.training.checkpoint import Checkpoint
from include.training.examples import Examples
from include.training.fit import (
    Side,
    Trained,
    adam,
    course_of,
    listwise,
    make_deterministic,
    product_tensors,
    steps_of,
    vocabulary_of,
)
from include.training.loop import state_of, train
from include.training.scalers import fit_scalers

NEW = 1.0
AVERAGED = 100.0
WIDE = ("history_features", "household_features", "features", "factors")


def fit_two_stage(
    recipe: Recipe, examples: list[Examples], tables: list[ProductTable], checkpoint: Checkpoint | None = None
) -> Trained:
    """As `fit.fit`. Raises Refused."""
    started = time.time()
    make_deterministic(recipe.seed)
    vocabulary = vocabulary_of(tables)
    products = [factor_tables(table, vocabulary, recipe.hot_products, "trend") for table in tables]
    nights = [Night(part, table) for part, table in zip(examples, products, strict=True)]
    total = steps_of(recipe, nights)
    model = TwoStage(recipe, fit_scalers(examples, tables))
    average = {f"average/{name}": tf.Variable(value, trainable=False) for name, value in model.named.items()}
    sides = [product_tensors(table, model.scalers) | {"factors": tf.constant(table.factors)} for table in products]
    example = next(night.batch(night.usable[:1]) for night in nights if len(night.usable))
    signature = [_any_size(sides[0]), _any_size({name: tf.constant(value) for name, value in example.items()})]
    losses = train(course_of(recipe, nights, sides, *_step(model, average, recipe, total, signature)), checkpoint)
    arrays = model.arrays() | {name.removeprefix("average/"): value.numpy() for name, value in average.items()}
    return Trained(arrays, vocabulary, losses, time.time() - started)


def _step(
    model: TwoStage, average: dict[str, tf.Variable], recipe: Recipe, total: int, signature: list[dict[str, tf.TensorSpec]]
) -> tuple[Callable[..., tf.Tensor], dict[str, tf.Variable]]:
    """One step of training as a graph, (product side, batch) -> loss, and all variables that it changes."""
    values = list(model.named.values())
    optimizer = adam(recipe.learning_rate, total)
    optimizer.build(values)

    @tf.function(input_signature=signature)
    def step(side: Side, batch: dict[str, tf.Tensor]) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = loss_of(model(side, batch), batch["slot_label"], batch["hot_label"])
        optimizer.apply(tape.gradient(loss, values), values)
        for kept, value in zip(average.values(), values, strict=True):
            kept.assign_add((tf.convert_to_tensor(value) - kept) / AVERAGED)
        return loss

    return step, state_of(model.named, adam=optimizer) | average


def _any_size(values: Mapping[str, tf.Tensor]) -> dict[str, tf.TensorSpec]:
    """One graph for batches of every size: graphs made for single sizes may differ in the last bits, and which are made depends
    on where a training was broken off. Only widths of features are fixed."""
    found = {}
    for name, value in values.items():
        sizes: list[int | None] = [None] * len(value.shape)
        if name in WIDE:
            sizes[-1] = value.shape[-1]
        found[name] = tf.TensorSpec(sizes, value.dtype)
    return found


def loss_of(scores: two_stage_scoring.Scores, slot_label: tf.Tensor, hot_label: tf.Tensor) -> tf.Tensor:
    """The mean loss of a batch; labels float32 [B, H] and [B, N] as `Night.batch` makes them."""
    slot = tf.where(scores.history_open, scores.history_logit, candidates.NOTHING)
    short = tf.where(scores.short_open, scores.short_logit, candidates.NOTHING)
    first = tf.where(scores.hot_open, scores.first_logit, candidates.NOTHING)
    slot_label = slot_label * tf.cast(scores.history_open, tf.float32)
    hot_label = hot_label * tf.cast(scores.hot_open, tf.float32)
    label = tf.gather(hot_label, scores.place, batch_dims=1)
    every = listwise(tf.concat([slot, short], axis=1), tf.concat([slot_label, label], axis=1))
    return every + NEW * listwise(short, label) + listwise(first, hot_label)
