"""The two-stage ranker in training: three losses, and weights that are averaged over the steps.

    loss(h) = LambdaRank over slots and shortlist
              + NEW * listwise over the shortlist alone, for households that bought one of it
              + listwise of the first stage over all hot products, likewise

The shortlist is what the first stage finds at that step, as it will be when it is served; no gradient goes through the choice.
What is kept are not the last weights but their average, a <- a + (w - a) / AVERAGED at each step (Polyak and Juditsky,
Acceleration of stochastic approximation by averaging, 1992).
"""

import time
from collections.abc import Sequence

import tensorflow as tf

from include.models import candidates, two_stage_scoring
from include.models.factor_tables import FactorTables, factor_tables, halves, itself
from include.models.tables import ProductTable
from include.models.two_stage import TwoStage
from include.recipes.recipe import Recipe
from include.training.batches import Feed, Night
from include.training.examples import Parts
from include.training.fit import Trained, listwise, make_deterministic, product_tensors, steps_of, vocabulary_of
from include.training.lambda_rank import lambda_rank
from include.training.loop import Course, Run, Side, train
from include.training.optimisers import optimised
from include.training.scalers import fit_scalers

NEW = 1.0
AVERAGED = 100.0
LOSSES = {"lambda_rank": lambda_rank, "listwise": listwise}
EVERY = "lambda_rank"
"""Which of them is that over slots and shortlist."""


def fit_two_stage(recipe: Recipe, examples: Sequence[Parts], tables: list[ProductTable], run: Run | None = None) -> Trained:
    """As `fit.fit`. Raises Refused."""
    started, run = time.time(), run or Run()
    make_deterministic(recipe.seed)
    vocabulary = vocabulary_of(tables, run.start)
    products = [factor_tables(table, vocabulary, recipe.hot_products, "trend") for table in tables]
    feed = Feed(examples, lambda night, part: Night(part, products[night]), recipe.batch, recipe.seed, alike=False)
    total = steps_of(recipe, feed)
    model = TwoStage(recipe, run.start.scalers() if run.start else fit_scalers(examples, tables))
    if run.start:
        run.start.give(model.named, vocabulary)
    average = {f"average/{name}": tf.Variable(value, trainable=False) for name, value in model.named.items()}
    sides = [product_tensors(table, model.scalers) | factor_tensors(table) for table in products]
    losses = train(_course(model, average, recipe, feed, sides, total), run)
    arrays = model.arrays() | {name.removeprefix("average/"): value.numpy() for name, value in average.items()}
    return Trained(arrays, vocabulary, losses, time.time() - started)


def factor_tensors(table: FactorTables) -> Side:
    """What the model reads of one night's factors."""
    inner, outer = halves(table.factors)
    rows = {"inner": inner, "outer": outer, "itself": itself(table.factors), "hot_outer": outer[table.hot]}
    return {name: tf.constant(value) for name, value in rows.items()}


def _course(
    model: TwoStage, average: dict[str, tf.Variable], recipe: Recipe, feed: Feed, sides: list[Side], total: int
) -> Course:
    first = [name for name in model.named if name.startswith("first")]
    second = [name for name in model.named if name not in first]
    rate = recipe.learning_rate
    values, learn, state = optimised(model.named, {"first": (first, rate), "second": (second, rate)}, total)

    def loss(side: Side, batch: dict[str, tf.Tensor]) -> tf.Tensor:
        return loss_of(model(side, batch), batch["slot_label"], batch["hot_label"])

    def apply(gradients: list[tf.Tensor]) -> None:
        learn(gradients)
        for kept, value in zip(average.values(), model.named.values(), strict=True):
            kept.assign_add((tf.convert_to_tensor(value) - kept) / AVERAGED)

    return Course(recipe.epochs, feed.plan, feed.batches, sides, loss, values, apply, state | average)


def loss_of(scores: two_stage_scoring.Scores, slot_label: tf.Tensor, hot_label: tf.Tensor) -> tf.Tensor:
    """Losses [B]; labels float32 [B, H] and [B, N] as `Night.batch` makes them."""
    slot = tf.where(scores.history_open, scores.history_logit, candidates.NOTHING)
    short = tf.where(scores.short_open, scores.short_logit, candidates.NOTHING)
    first = tf.where(scores.hot_open, scores.first_logit, candidates.NOTHING)
    slot_label = slot_label * tf.cast(scores.history_open, tf.float32)
    hot_label = hot_label * tf.cast(scores.hot_open, tf.float32)
    label = tf.gather(hot_label, scores.place, batch_dims=1)
    alone = tf.where(scores.short_open, scores.alone_logit, candidates.NOTHING)
    every = LOSSES[EVERY](tf.concat([slot, short], axis=1), tf.concat([slot_label, label], axis=1))
    return every + NEW * listwise(alone, label) + listwise(first, hot_label)
