"""A ranker over own history and hot products as a Keras model: its weights by name, trained by include/training."""

from collections.abc import Mapping

import keras
import numpy as np
import tensorflow as tf

from include.models import asked, formulas, scoring
from include.models.product_side import EMBEDDINGS
from include.models.vocabulary import Vocabulary
from include.recipes.recipe import Recipe

KIN = 2 * scoring.CHANNELS + 1
"""Inputs made inside the graph: attention on products alike (type, category; by channel), and u . E_out."""
SCALERS = tuple(f"{side}_{part}" for side in ("history", "product", "household") for part in ("mean", "deviation"))


def shapes(recipe: Recipe, vocabulary: Vocabulary, width: Mapping[str, int]) -> dict[str, tuple[int, ...]]:
    """Shape of every weight. `width` has the number of features by side: history F, product P, household G."""
    if recipe.model in formulas.SMALL:
        return formulas.SMALL[recipe.model].shapes(recipe, vocabulary, width)
    f, p, g, d = width["history"], width["product"], width["household"], recipe.embedding
    first, second = recipe.hidden
    return {
        **asked.embeddings(vocabulary, d),
        "attention_kernel": (f, scoring.CHANNELS),
        "attention_bias": (scoring.CHANNELS,),
        "user_kernel": (g, d),
        "history_kernel": (f + p + KIN, first),
        "history_household": (g, first),
        "history_bias": (first,),
        "history_kernel_2": (first, second),
        "history_bias_2": (second,),
        "history_out": (second, 1),
        "history_skip": (f + p + KIN, 1),
        "hot_product": (p, second),
        "hot_kernel": (KIN, second),
        "hot_household": (g, second),
        "hot_bias": (second,),
        "hot_out": (second, 1),
        "hot_product_skip": (p, 1),
        "hot_skip": (KIN, 1),
        "hot_offset": (1,),
    }


class PairRanker(keras.Model):
    """Weights by name. Called with one night's product side and a batch, it returns `scoring.Scores`."""

    def __init__(self, recipe: Recipe, vocabulary: Vocabulary, scalers: Mapping[str, np.ndarray]) -> None:
        super().__init__(name=recipe.model)
        self.score = formulas.score_of(recipe.model)
        width = {side: len(scalers[f"{side}_mean"]) for side in ("history", "product", "household")}
        self.scalers = {name: tf.constant(scalers[name], tf.float32) for name in SCALERS}
        self.named = {
            name: self.add_weight(name=name, shape=shape, initializer=_initializer(name, shape, recipe.seed + i))
            for i, (name, shape) in enumerate(shapes(recipe, vocabulary, width).items())
        }
        self.built = True

    def call(self, side: Mapping[str, tf.Tensor], batch: Mapping[str, tf.Tensor]) -> scoring.Scores:
        """Score one night's households.

        Args:
            side: the night's product side: `features` standardised, `product`, `type`, `category`, `types`, `categories`,
                `hot`, `hot_place`, `row_of`.
            batch: the inputs of the served signature.
        """
        return self.score(*self.sides(side), *(batch[name] for name in INPUTS))

    def sides(self, side: Mapping[str, tf.Tensor]) -> tuple[scoring.Weights, scoring.Products]:
        """All weights, scalers included, and the product side as a formula reads it."""
        weights = {name: tf.convert_to_tensor(value) for name, value in self.named.items()} | self.scalers
        return weights, scoring.Products(**{name: side[name] for name in SIDE}, embed=lambda rows: self.embed(side, rows))

    def embed(self, tables: Mapping[str, tf.Tensor], rows: tf.Tensor) -> scoring.Embedded:
        """The summed embedding of table rows while the parts are still being trained."""
        parts = (
            tf.gather(tf.convert_to_tensor(self.named[f"{part}_embedding"]), tf.gather(tables[part], rows))
            for part in ("product", "type", "category")
        )
        return scoring.Embedded(tf.add_n(list(parts)), None)

    def arrays(self) -> dict[str, np.ndarray]:
        """All weights, scalers included, as float32 arrays by name."""
        named = {name: value.numpy() for name, value in self.named.items()}
        return named | {name: value.numpy() for name, value in self.scalers.items()}


SIDE = tuple(name for name in scoring.Products._fields if name != "embed")
INPUTS = ("history_product", "history_features", "household_features", "exclude_bought")


def _initializer(name: str, shape: tuple[int, ...], seed: int) -> keras.initializers.Initializer:
    if name in EMBEDDINGS:
        return keras.initializers.RandomNormal(stddev=0.02, seed=seed)
    if len(shape) == 1 or name.endswith("skip") or name.startswith("attention"):
        return keras.initializers.Zeros()
    return keras.initializers.GlorotUniform(seed=seed)
