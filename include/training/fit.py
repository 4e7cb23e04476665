"""The pair ranker in training, over exactly the candidates that are served.

    loss(h) = LambdaRank over the slots and the hot products
              - NEW * mean over bought hot products i of log softmax(logits of the hot products)[i]

Purchases outside the candidates are dropped. The second term teaches the order among new products, which the first one
hardly sees because a household's own past outweighs them.
"""

import logging
import time
from collections.abc import Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf

from include.errors import Refused
from include.models import candidates, scoring
from include.models.pair_ranker import PairRanker
from include.models.product_side import CUT
from include.models.tables import NightTables, ProductTable, night_tables
from include.models.vocabulary import Vocabulary
from include.recipes.recipe import Recipe
from include.training.batches import Feed, Night
from include.training.examples import Parts
from include.training.in_batch import TOWERS, in_batch_loss, with_shares
from include.training.lambda_rank import lambda_rank
from include.training.loop import Course, Run, Side, train
from include.training.optimisers import fast_and_slow
from include.training.scalers import fit_scalers
from include.training.warm import Start

log = logging.getLogger("nightfill")
NEW = 1.0


class Trained:
    """Weights by name, their vocabulary, and how it went: the loss of each step, by epoch."""

    def __init__(
        self, arrays: dict[str, np.ndarray], vocabulary: Vocabulary, losses: list[list[float]], seconds: float
    ) -> None:
        self.arrays, self.vocabulary, self.losses, self.seconds = arrays, vocabulary, losses, seconds


def fit(recipe: Recipe, examples: Sequence[Parts], tables: list[ProductTable], run: Run | None = None) -> Trained:
    """Train on nights in order. The same inputs give the same weights on the same machine, also from a checkpoint on.

    Raises:
        Refused: no household bought anything that could be a candidate, or the loss is not a number.
    """
    started, run = time.time(), run or Run()
    make_deterministic(recipe.seed)
    vocabulary = vocabulary_of(tables, run.start)
    products = [night_tables(table, vocabulary, recipe.hot_products) for table in tables]
    feed = Feed(examples, lambda night, part: Night(part, products[night]), recipe.batch, recipe.seed)
    total = steps_of(recipe, feed)
    model = PairRanker(recipe, vocabulary, run.start.scalers() if run.start else fit_scalers(examples, tables))
    if run.start:
        run.start.give(model.named, vocabulary)
    sides = [product_tensors(table, model.scalers) for table in products]
    if recipe.model == TOWERS:
        sides = with_shares(sides, examples, products, len(vocabulary.products) + 1)
    losses = train(course_of(model, recipe, feed, sides, total), run)
    return Trained(forget_unknown(model.arrays()), vocabulary, losses, time.time() - started)


def steps_of(recipe: Recipe, feed: Feed) -> int:
    """How many steps all epochs have. Raises Refused when there is none."""
    total = recipe.epochs * len(feed.plan(0))
    if total == 0:
        raise Refused("There is nothing to train on: no household bought a candidate", "Choose a later night, or more weeks")
    return total


def devices() -> list[str]:
    """Names of the GPUs that TensorFlow can use; says in the log what it found."""
    found = [device.name for device in tf.config.list_physical_devices("GPU")]
    log.info("training on %s", ", ".join(found) if found else "the CPU: no GPU was found")
    return found


def loss_of(scores: scoring.Scores, slot_label: tf.Tensor, hot_label: tf.Tensor) -> tf.Tensor:
    """Losses [B]; labels float32 [B, H] and [B, N] as `Night.batch` makes them."""
    hot = tf.where(scores.hot_open, scores.hot_logit, candidates.NOTHING)
    slot = tf.where(scores.history_open, scores.history_logit, candidates.NOTHING)
    is_open = tf.cast(tf.concat([scores.history_open, scores.hot_open], axis=1), tf.float32)
    every = lambda_rank(tf.concat([slot, hot], axis=1), tf.concat([slot_label, hot_label], axis=1) * is_open)
    return every + NEW * listwise(hot, hot_label * tf.cast(scores.hot_open, tf.float32))


def listwise(logits: tf.Tensor, label: tf.Tensor) -> tf.Tensor:
    """Losses [B]: 0 for a household that bought none of these."""
    bought = tf.reduce_sum(label, axis=1)
    return -tf.reduce_sum(label * tf.nn.log_softmax(logits, axis=1), axis=1) / tf.maximum(bought, 1.0)


def course_of(model: PairRanker, recipe: Recipe, feed: Feed, sides: list[Side], total: int) -> Course:
    """What is repeated; `total` are the steps of all epochs."""

    def loss(side: Side, batch: dict[str, tf.Tensor]) -> tf.Tensor:
        if recipe.model == TOWERS:
            return in_batch_loss(model, side, batch)
        return loss_of(model(side, batch), batch["slot_label"], batch["hot_label"])

    return Course(recipe.epochs, feed.plan, feed.batches, sides, loss, *fast_and_slow(model.named, recipe, total))


def product_tensors(tables: NightTables, scalers: Mapping[str, tf.Tensor]) -> Side:
    """One night's product side on the device, its features standardised."""
    mean, deviation = scalers["product_mean"].numpy(), scalers["product_deviation"].numpy()
    features = np.clip((tables.features - mean) / deviation, -CUT, CUT).astype(np.float32)
    side = {name: tf.constant(getattr(tables, name)) for name in ("product", "type", "category", "hot", "hot_place", "row_of")}
    sizes = {"types": tf.constant(int(tables.type.max()) + 1), "categories": tf.constant(int(tables.category.max()) + 1)}
    return side | sizes | {"features": tf.constant(features)}


def vocabulary_of(tables: list[ProductTable], start: Start | None = None) -> Vocabulary:
    """Everything that was in the universe of a training night, and all that the start knows."""
    names: dict[str, set[str]] = {"ids": set(), "types": set(), "categories": set()}
    for table in tables:
        for field, known in names.items():
            known.update(getattr(table, field)[table.universe])
    found = Vocabulary.of(sorted(names["ids"]), sorted(names["types"]), sorted(names["categories"]))
    return start.vocabulary(found) if start else found


def forget_unknown(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Number 0 was never trained: a product that is new to the model is known by its type and category alone."""
    arrays["product_embedding"] = arrays["product_embedding"].copy()
    arrays["product_embedding"][0] = 0
    return arrays


def make_deterministic(seed: int) -> None:
    """From here on equal inputs give equal weights."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
