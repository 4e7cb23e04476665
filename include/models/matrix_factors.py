"""Matrix factorisation whose household factors are made of the products that it bought: no household has weights of its own.

    u = sum_s y[p_s] / sqrt(number of slots)          score = u . q[p] + linear terms

Koren, Factorization meets the neighborhood, KDD 2008, section 4 (Asymmetric-SVD: y is In, q is Out; its baseline predictors are
the linear terms here), learned by the loss of all recipes instead of squared errors.
"""

from collections.abc import Mapping

import tensorflow as tf

from include.models import scoring
from include.models.asked import Asked, Shapes, embeddings, habit, with_habit
from include.models.scoring import Weights
from include.models.vocabulary import Vocabulary
from include.recipes.recipe import Recipe


def shapes(recipe: Recipe, vocabulary: Vocabulary, width: Mapping[str, int]) -> Shapes:
    return embeddings(vocabulary, recipe.embedding) | habit(width)


def logits(w: Weights, asked: Asked) -> tuple[tf.Tensor, tf.Tensor]:
    number = tf.maximum(tf.reduce_sum(asked.present, axis=1, keepdims=True), 1.0)
    return with_habit(w, asked, scoring.total(asked.present / tf.sqrt(number), asked.kept))
