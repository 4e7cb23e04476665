"""Adam with a rate that rises and falls, one for each group of weights."""

from collections.abc import Callable, Mapping, Sequence
from itertools import chain, islice

import keras
import tensorflow as tf

from include.models.product_side import EMBEDDINGS
from include.recipes.recipe import Recipe
from include.training.loop import state_of

WARM = 0.1
"""Share of the steps in which the learning rate rises; it falls along a cosine after."""

Optimised = tuple[list[tf.Variable], Callable[[list[tf.Tensor]], None], dict[str, tf.Variable]]
"""What a Course needs: the weights, how their gradients change them, and the state."""


def fast_and_slow(weights: Mapping[str, tf.Variable], recipe: Recipe, total: int) -> Optimised:
    """What a course needs of weights whose embeddings learn slowly."""
    dense = [name for name in weights if name not in EMBEDDINGS]
    slow = recipe.learning_rate * recipe.embedding_rate
    return optimised(weights, {"fast": (dense, recipe.learning_rate), "slow": (EMBEDDINGS, slow)}, total)


def optimised(weights: Mapping[str, tf.Variable], groups: Mapping[str, tuple[Sequence[str], float]], total: int) -> Optimised:
    """Names and rate by group: each has an optimiser of its own, so the gradients of one do not shorten those of another."""
    values = [[weights[name] for name in names] for names, _ in groups.values()]
    makers = {group: adam(rate, total) for group, (_, rate) in groups.items()}
    for one, some in zip(makers.values(), values, strict=True):
        one.build(some)

    def apply(gradients: list[tf.Tensor]) -> None:
        left = iter(gradients)
        for one, some in zip(makers.values(), values, strict=True):
            one.apply(list(islice(left, len(some))), some)

    return list(chain(*values)), apply, state_of(weights, **makers)


def adam(rate: float, total: int) -> keras.optimizers.Optimizer:
    """Adam whose rate rises over the first steps of `total` and falls along a cosine after."""
    warm = max(1, int(total * WARM))
    schedule = keras.optimizers.schedules.CosineDecay(rate / 10, max(1, total - warm), warmup_target=rate, warmup_steps=warm)
    return keras.optimizers.Adam(schedule, global_clipnorm=5.0)
