"""Train the search model: first what a query means (fit_text.py), then who buys which of the products that are meant.

    loss = - mean over bought products p of the meant type of log softmax(score(., h, q))[p]

The softmax runs over every product of the night's universe, none is sampled. A household-week asks for some of the types
that it bought, in the five ways of include/features/queries.py, drawn anew in each epoch.
"""

import random
import time
from collections.abc import Callable, Mapping

import keras
import numpy as np
import tensorflow as tf

from include.errors import Refused
from include.features.queries import SHARES, VARIANTS, vary
from include.models import candidates, search_scoring, text
from include.models.product_side import CUT, EMBEDDINGS
from include.models.query_tables import QueryTables, query_tables
from include.models.search_side import TEXT, text_side
from include.models.tables import ProductTable
from include.recipes.recipe import Recipe
from include.training.checkpoint import Checkpoint
from include.training.examples import Examples
from include.training.fit import EMBEDDING_RATE, Trained, adam, forget_unknown, make_deterministic, vocabulary_of
from include.training.fit_text import fit_text
from include.training.loop import Course, state_of, train
from include.training.query_examples import Asked, Types, asked_of
from include.training.scalers import fit_scalers

Weights = dict[str, tf.Variable]


def shapes(recipe: Recipe, sizes: Mapping[str, int], width: Mapping[str, int]) -> dict[str, tuple[int, ...]]:
    """Shape of every weight that is learned here.

    Args:
        sizes: names known by part (products, types, categories), without the unknown one.
        width: number of features by side: history F, product P, household G.
    """
    f, p, g, d = width["history"], width["product"], width["household"], recipe.embedding
    first, second = recipe.hidden
    return {
        "product_embedding": (sizes["products"] + 1, 2 * d),
        "type_embedding": (sizes["types"] + 1, 2 * d),
        "category_embedding": (sizes["categories"] + 1, 2 * d),
        "attention_kernel": (f, 1),
        "attention_bias": (1,),
        "user_kernel": (g, d),
        "history_kernel": (f + p + 1, first),
        "history_household": (g, first),
        "history_bias": (first,),
        "history_kernel_2": (first, second),
        "history_bias_2": (second,),
        "history_out": (second, 1),
        "history_skip": (f + p + 1, 1),
        "product_kernel": (p, second),
        "product_bias": (second,),
        "product_out": (second, 1),
        "product_skip": (p, 1),
        "text_scale": (1,),
    }


class SearchNight:
    """One night's examples and product side, ready to be cut into batches."""

    def __init__(self, examples: Examples, table: ProductTable, tables: QueryTables, arrays: Mapping[str, np.ndarray]) -> None:
        self.examples, self.tables, self.types = examples, tables, Types(table)
        mean, deviation = arrays["product_mean"], arrays["product_deviation"]
        features = np.clip((tables.features - mean) / deviation, -CUT, CUT).astype(np.float32)
        words = text_side(arrays, tables)
        self.side = {name: tf.constant(getattr(tables, name)) for name in ("product", "type", "category", "row_of", "text_of")}
        self.side |= {"features": tf.constant(features)} | {name: tf.constant(words[name]) for name in ("texts", "live")}

    def batch(self, chosen: np.ndarray, asked: list[Asked], rng: random.Random) -> dict[str, np.ndarray]:
        """Inputs of the signature for some households, and their questions.

        `query` string [Q], `owner` int32 [Q] (place in the batch), `right` int32 [N, 2] (question, row), `weight` [N].
        """
        place = {int(household): i for i, household in enumerate(chosen)}
        rows = [self.tables.row_of[list(one.bought)] for one in asked]
        number = np.repeat(np.arange(len(rows)), [len(part) for part in rows])
        return self.examples.inputs(chosen) | {
            "query": np.array([_said(one, rng) for one in asked], object),
            "owner": np.array([place[one.household] for one in asked], np.int32),
            "right": np.stack([number, np.concatenate(rows)], axis=1).astype(np.int32),
            "weight": np.concatenate([np.full(len(part), 1 / len(part)) for part in rows]).astype(np.float32),
        }


Planned = tuple[SearchNight, np.ndarray, list[Asked], str]
"""A batch: its night, its households, what they ask for, and the seed of their words."""


def fit_search(
    recipe: Recipe, examples: list[Examples], tables: list[ProductTable], checkpoint: Checkpoint | None = None
) -> Trained:
    """Train on nights in order. The same inputs give the same weights on the same machine, also from a checkpoint on.

    Raises:
        Refused: nobody bought a product with a type, or the loss is not a number.
    """
    began = time.time()
    make_deterministic(recipe.seed)
    vocabulary = vocabulary_of(tables)
    sides = [query_tables(table, vocabulary, recipe.hot_products, "trend") for table in tables]
    arrays = fit_text(sides[-1], recipe.text, recipe.seed, recipe.text_steps) | fit_scalers(examples, tables)
    nights = [SearchNight(*parts, arrays) for parts in zip(examples, tables, sides, strict=True)]
    total = len(_plan(0, nights, recipe)) * recipe.epochs
    if not total:
        raise Refused(
            "There is nothing to train on: no household bought a product with a type", "Choose a later night, or more weeks"
        )
    sizes = {name: len(names) for name, names in vocabulary.model_dump().items()}
    width = {side: len(arrays[f"{side}_mean"]) for side in ("history", "product", "household")}
    weights = _weights(shapes(recipe, sizes, width), arrays, recipe.seed)
    step, state = _step(weights, arrays, recipe, total)
    losses = train(Course(recipe.epochs, lambda number: _plan(number, nights, recipe), _batch, step, state), checkpoint)
    learned = {name: value.numpy() for name, value in weights.items()}
    return Trained(forget_unknown(arrays | learned), vocabulary, losses, time.time() - began)


def _plan(number: int, nights: list[SearchNight], recipe: Recipe) -> list[Planned]:
    """Batches of households of one night with histories of like length, in an order that depends on the seed only."""
    rng, seed = np.random.default_rng([recipe.seed, number]), f"{recipe.seed} {number}"
    found: list[Planned] = []
    for night in nights:
        by_household: dict[int, list[Asked]] = {}
        for one in asked_of(night.examples, night.types, recipe.train_queries, seed):
            by_household.setdefault(one.household, []).append(one)
        order = rng.permutation(sorted(by_household))
        for start in range(0, len(order), 16 * recipe.batch):
            part = order[start : start + 16 * recipe.batch]
            part = part[np.argsort(night.examples.history_product.lengths[part], kind="stable")]
            for chosen in (part[i : i + recipe.batch] for i in range(0, len(part), recipe.batch)):
                asked = [one for household in chosen for one in by_household[int(household)]]
                found.append((night, chosen, asked, f"{seed} {len(found)}"))
    return [found[i] for i in rng.permutation(len(found))]


def _batch(planned: Planned) -> tuple[dict[str, tf.Tensor], dict[str, tf.Tensor]]:
    night, chosen, asked, seed = planned
    batch = night.batch(chosen, asked, random.Random(seed))
    return night.side, {name: tf.constant(value) for name, value in batch.items()}


def _said(asked: Asked, rng: random.Random) -> str:
    return vary(rng.choices(VARIANTS, SHARES)[0], asked.plain, asked.category, rng)


def scores_of(
    w: Mapping[str, tf.Tensor], words: tf.Tensor, side: Mapping[str, tf.Tensor], batch: Mapping[str, tf.Tensor]
) -> tf.Tensor:
    """Scores [Q, R] of a batch's questions; row 0 is closed. `words` is the text embedding, `w` all other weights."""
    parts = (tf.gather(w[f"{part}_embedding"], side[part]) for part in ("product", "type", "category"))
    inner, outer = tf.split(tf.add_n(list(parts)), 2, axis=1)
    of_night = search_scoring.Side(
        side["features"],
        search_scoring.base(w, side["features"]),
        side["row_of"],
        inner=lambda rows: tf.gather(inner, rows),
        taste=lambda user: tf.matmul(user, outer, transpose_b=True),
    )
    own, _ = search_scoring.personal(
        w, of_night, batch["history_product"], batch["history_features"], batch["household_features"]
    )
    near = tf.matmul(text.encode(batch["query"], words, None, side["live"]), side["texts"], transpose_b=True)
    every = tf.gather(own, batch["owner"]) + w["text_scale"] * tf.gather(near, side["text_of"], axis=1)
    return tf.concat([tf.fill([tf.shape(every)[0], 1], candidates.NOTHING), every[:, 1:]], axis=1)


def _step(
    weights: Weights, arrays: Mapping[str, np.ndarray], recipe: Recipe, total: int
) -> tuple[Callable[[dict[str, tf.Tensor], dict[str, tf.Tensor]], tf.Tensor], dict[str, tf.Variable]]:
    """One step as a graph, (product side, batch) -> loss, and all variables that it changes."""
    dense = [value for name, value in weights.items() if name not in EMBEDDINGS]
    embeddings = [weights[name] for name in EMBEDDINGS]
    fast, slow = adam(recipe.learning_rate, total), adam(recipe.learning_rate * EMBEDDING_RATE, total)
    fast.build(dense)
    slow.build(embeddings)
    fixed = {name: tf.constant(value) for name, value in arrays.items() if name not in weights and name != TEXT}
    words = tf.constant(arrays[TEXT])

    @tf.function(reduce_retracing=True)
    def step(side: dict[str, tf.Tensor], batch: dict[str, tf.Tensor]) -> tf.Tensor:
        with tf.GradientTape() as tape:
            now = {name: tf.convert_to_tensor(value) for name, value in weights.items()} | fixed
            scores = scores_of(now, words, side, batch)
            gained = tf.gather_nd(scores, batch["right"]) - tf.gather(tf.reduce_logsumexp(scores, axis=1), batch["right"][:, 0])
            loss = -tf.reduce_sum(gained * batch["weight"]) / tf.cast(tf.shape(scores)[0], tf.float32)
        gradients = tape.gradient(loss, dense + embeddings)
        fast.apply([tf.convert_to_tensor(gradient) for gradient in gradients[: len(dense)]], dense)
        slow.apply([tf.convert_to_tensor(gradient) for gradient in gradients[len(dense) :]], embeddings)
        return loss

    return step, state_of(weights, fast=fast, slow=slow)


def _weights(wanted: Mapping[str, tuple[int, ...]], arrays: Mapping[str, np.ndarray], seed: int) -> Weights:
    made = {}
    for i, (name, shape) in enumerate(wanted.items()):
        if name in arrays:
            value = arrays[name]
        elif name in EMBEDDINGS:
            value = keras.initializers.RandomNormal(stddev=0.02, seed=seed + i)(shape)
        elif len(shape) == 1 or name.endswith("skip") or name.startswith("attention"):
            value = np.zeros(shape, np.float32)
        else:
            value = keras.initializers.GlorotUniform(seed=seed + i)(shape)
        made[name] = tf.Variable(value, dtype=tf.float32)
    return made
