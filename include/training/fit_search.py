"""Train the search model: first what a query means (fit_text.py), then who buys which of the products that are meant.

    loss(q) = LambdaRank - mean over bought products p of the meant type of log softmax(score(., h, q))[p]

Both run over BEST products, those bought and the best others by their scores as they are now: every product of the night's
universe is scored, none is sampled, and those far below teach nothing. A household-week asks for some of the types that it
bought, in the five ways of include/features/queries.py, drawn anew in each epoch.
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence

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
from include.training.batches import Feed
from include.training.examples import Examples, Parts
from include.training.fit import Trained, forget_unknown, listwise, make_deterministic, vocabulary_of
from include.training.fit_text import fit_text
from include.training.lambda_rank import lambda_rank
from include.training.loop import Course, Run, Side, train
from include.training.optimisers import fast_and_slow
from include.training.query_examples import Asked, Types, asked_of
from include.training.scalers import fit_scalers

BEST = 300
"""Products of a question that its loss looks at. A page shows twenty."""

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
        "text_offset": (1,),
    }


class SearchNight:
    """One night's product side, and its types."""

    def __init__(self, table: ProductTable, tables: QueryTables, arrays: Mapping[str, np.ndarray]) -> None:
        self.types, self.row_of = Types(table), tables.row_of
        mean, deviation = arrays["product_mean"], arrays["product_deviation"]
        features = np.clip((tables.features - mean) / deviation, -CUT, CUT).astype(np.float32)
        words = text_side(arrays, tables)
        self.side = {name: tf.constant(getattr(tables, name)) for name in ("product", "type", "category", "row_of", "text_of")}
        self.side |= {name: tf.constant(words[name]) for name in ("types", "categories", "live")}
        self.side["features"] = tf.constant(features)


class Asking:
    """A part of one night's examples: households that bought a product with a type, and what they ask for."""

    def __init__(self, examples: Examples, night: SearchNight, limit: int) -> None:
        self.examples, self._night, self._limit = examples, night, limit
        typed = np.repeat(np.arange(len(examples)), examples.bought.lengths)[night.types.plain[examples.bought.values] != ""]
        self.usable = np.unique(typed)

    def batch(self, chosen: np.ndarray, seed: str) -> dict[str, np.ndarray]:
        """Inputs of the signature for some households, and their questions.

        `query` string [Q], `owner` int32 [Q] (place in the batch), `right` int32 [N, 2] (question, row).
        """
        asked = asked_of(self.examples, self._night.types, self._limit, seed, chosen)
        place = {int(household): i for i, household in enumerate(chosen)}
        rows = [self._night.row_of[list(one.bought)] for one in asked]
        number = np.repeat(np.arange(len(rows)), [len(part) for part in rows]).astype(np.int32)
        said = [_said(one, random.Random(f"{seed} {self.examples.household[one.household]} {one.plain}")) for one in asked]
        return self.examples.inputs(chosen) | {
            "query": np.array(said, object),
            "owner": np.array([place[one.household] for one in asked], np.int32),
            "right": np.stack([number, np.concatenate([*rows, np.zeros(0, np.int32)])], axis=1).astype(np.int32),
        }


def fit_search(recipe: Recipe, examples: Sequence[Parts], tables: list[ProductTable], run: Run | None = None) -> Trained:
    """Train on nights in order. The same inputs give the same weights on the same machine, also from a checkpoint on.

    Raises:
        Refused: nobody bought a product with a type, or the loss is not a number.
    """
    began = time.time()
    make_deterministic(recipe.seed)
    vocabulary = vocabulary_of(tables)
    sides = [query_tables(table, vocabulary, recipe.hot_products, "trend") for table in tables]
    arrays = fit_text(sides[-1], recipe.text, recipe.seed, recipe.text_steps) | fit_scalers(examples, tables)
    nights = [SearchNight(table, side, arrays) for table, side in zip(tables, sides, strict=True)]
    look = lambda night, part: Asking(part, nights[night], recipe.train_queries)
    feed = Feed(examples, look, recipe.batch, recipe.seed)
    total = len(feed.plan(0)) * recipe.epochs
    if not total:
        raise Refused(
            "There is nothing to train on: no household bought a product with a type", "Choose a later night, or more weeks"
        )
    sizes = {name: len(names) for name, names in vocabulary.model_dump().items()}
    width = {side: len(arrays[f"{side}_mean"]) for side in ("history", "product", "household")}
    weights = _weights(shapes(recipe, sizes, width), arrays, recipe.seed)
    course = Course(
        recipe.epochs,
        feed.plan,
        feed.batches,
        [night.side for night in nights],
        _loss(weights, arrays),
        *fast_and_slow(weights, recipe, total),
    )
    losses = train(course, run or Run())
    learned = {name: value.numpy() for name, value in weights.items()}
    return Trained(forget_unknown(arrays | learned), vocabulary, losses, time.time() - began)


def _said(asked: Asked, rng: random.Random) -> str:
    return vary(rng.choices(VARIANTS, SHARES)[0], asked.plain, asked.category, rng)


def logits_of(
    w: Mapping[str, tf.Tensor], words: tf.Tensor, side: Side, batch: Mapping[str, tf.Tensor]
) -> tuple[tf.Tensor, tf.Tensor]:
    """Scores and labels [Q, C] of a batch's questions: of the bought products, and of others the best so far.

    `words` is the text embedding, `w` all other weights. No gradient goes through the choice.
    """
    asked, owner = text.encode(batch["query"], words, None, side["live"]), batch["owner"]
    known, match = _known(w, side, batch), search_scoring.text_match(w, asked, side["types"], side["categories"])
    scores = tf.gather(known, owner) + tf.gather(match, side["text_of"], axis=1)
    ones = tf.ones_like(batch["right"][:, 0], tf.float32)
    bought = tf.scatter_nd(batch["right"], ones, tf.shape(scores, out_type=tf.int32))
    first = tf.where(bought > 0, -candidates.NOTHING, tf.stop_gradient(scores))[:, 1:]
    rows = 1 + tf.math.top_k(first, tf.minimum(BEST, tf.shape(first)[1]), sorted=False).indices
    pairs = tf.stack([tf.broadcast_to(owner[:, None], tf.shape(rows)), rows], axis=-1)
    text_of = tf.gather(side["text_of"], rows)
    return tf.gather_nd(known, pairs) + tf.gather(match, text_of, batch_dims=1), tf.gather(bought, rows, batch_dims=1)


def _known(w: Mapping[str, tf.Tensor], side: Side, batch: Mapping[str, tf.Tensor]) -> tf.Tensor:
    """Everything but the text, of the batch's households: [B, R]."""
    parts = (tf.gather(w[f"{part}_embedding"], side[part]) for part in ("product", "type", "category"))
    inner, outer = tf.split(tf.add_n(list(parts)), 2, axis=1)
    of_night = search_scoring.Side(
        side["features"],
        search_scoring.base(w, side["features"]),
        side["row_of"],
        inner=lambda rows: tf.gather(inner, rows),
        taste=lambda user: tf.matmul(user, outer, transpose_b=True),
    )
    inputs = (batch[name] for name in ("history_product", "history_features", "household_features"))
    return search_scoring.personal(w, of_night, *inputs)[0]


def _loss(weights: Weights, arrays: Mapping[str, np.ndarray]) -> Callable[[Side, dict[str, tf.Tensor]], tf.Tensor]:
    """(product side, batch) -> losses [Q] of the questions."""
    fixed = {name: tf.constant(value) for name, value in arrays.items() if name not in weights and name != TEXT}
    words = tf.constant(arrays[TEXT])

    def loss(side: Side, batch: dict[str, tf.Tensor]) -> tf.Tensor:
        now = {name: tf.convert_to_tensor(value) for name, value in weights.items()} | fixed
        logits, label = logits_of(now, words, side, batch)
        return lambda_rank(logits, label) + listwise(logits, label)

    return loss


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
