"""The two-stage ranker as a Keras model: its weights by name, trained by include/training."""

from collections.abc import Mapping
from functools import partial

import keras
import numpy as np
import tensorflow as tf

from include.models import kin, scoring, two_stage_scoring
from include.models.pair_ranker import INPUTS, SCALERS, SIDE
from include.recipes.recipe import Recipe

GROUPS = 2
"""Type and category."""


def shapes(recipe: Recipe, width: Mapping[str, int]) -> dict[str, tuple[int, ...]]:
    """Shape of every weight. `width` has the number of features by side: history F, product P, household G."""
    f, p, g = width["history"], width["product"], width["household"]
    of_group = kin.width(recipe.columns.history)
    made = GROUPS * of_group + two_stage_scoring.ALIKES
    sides = {"history": (f + p + made, 1), "hot": (p + made, two_stage_scoring.HEADS)}
    first, second = recipe.hidden
    out: dict[str, tuple[int, ...]] = {
        "first_kin": (GROUPS, of_group),
        "first_alike": (two_stage_scoring.WEIGHTS,),
        "first_product": (p,),
        "hot_offset": (two_stage_scoring.HEADS,),
    }
    for name, (inputs, heads) in sides.items():
        out |= {
            f"{name}_kernel": (inputs, first),
            f"{name}_household": (g, first),
            f"{name}_bias": (first,),
            f"{name}_kernel_2": (first, second),
            f"{name}_bias_2": (second,),
            f"{name}_out": (second, heads),
            f"{name}_skip": (inputs, heads),
        }
    return out


class TwoStage(keras.Model):
    """Weights by name. Called with one night's product side and a batch, it returns `two_stage_scoring.Scores`."""

    def __init__(self, recipe: Recipe, scalers: Mapping[str, np.ndarray]) -> None:
        super().__init__(name="two_stage")
        width = {side: len(scalers[f"{side}_mean"]) for side in ("history", "product", "household")}
        self.recipe = recipe
        self.scalers = {name: tf.constant(scalers[name], tf.float32) for name in SCALERS}
        self.named = {
            name: self.add_weight(name=name, shape=shape, initializer=_initializer(name, recipe.seed + i))
            for i, (name, shape) in enumerate(shapes(recipe, width).items())
        }
        self.built = True

    def call(self, side: Mapping[str, tf.Tensor], batch: Mapping[str, tf.Tensor]) -> two_stage_scoring.Scores:
        """Score one night's households.

        Args:
            side: the night's product side: what PairRanker reads, and what `factor_tensors` adds.
            batch: the inputs of the served signature.
        """
        weights = {name: tf.convert_to_tensor(value) for name, value in self.named.items()} | self.scalers

        def half(name: str, rows: tf.Tensor) -> scoring.Embedded:
            return scoring.Embedded(tf.gather(side[name], rows), None)

        products = scoring.Products(**{name: side[name] for name in SIDE}, embed=partial(half, "inner"))
        itself = tf.ensure_shape(side["itself"], [None, two_stage_scoring.WEIGHTS])
        night = two_stage_scoring.Night(
            products, partial(half, "outer"), itself, side["hot_outer"], two_stage_scoring.base(weights, products)
        )
        columns, shortlist = self.recipe.columns.history, self.recipe.shortlist
        return two_stage_scoring.score(weights, night, columns, shortlist, *(batch[name] for name in INPUTS))

    def arrays(self) -> dict[str, np.ndarray]:
        """All weights, scalers included, as float32 arrays by name."""
        named = {name: value.numpy() for name, value in self.named.items()}
        return named | {name: value.numpy() for name, value in self.scalers.items()}


def _initializer(name: str, seed: int) -> keras.initializers.Initializer:
    return keras.initializers.GlorotUniform(seed=seed) if "kernel" in name or name.endswith(("out", "household")) else "zeros"
