"""One block of self-attention over the household's recent products; what it makes of the most recent one is its taste.

    e_i = In[p_i] + W f_i + position_i        a = softmax(Q e . K e / sqrt(D)) V e        y = norm(e + a)
    u = first row of norm(y + W2 relu(W1 y))                                              score = u . Out[p] + linear terms

Kang and McAuley, Self-attentive sequential recommendation, ICDM 2018, section III. There every position predicts the next
product; here the week that follows is the only label, so that one prediction is made, and every position may see all others.
"""

from collections.abc import Mapping

import tensorflow as tf

from include.models.asked import Asked, Shapes, embeddings, habit, recent, with_habit
from include.models.candidates import NOTHING
from include.models.scoring import Weights
from include.models.vocabulary import Vocabulary
from include.recipes.recipe import Recipe

LENGTH = 32


def shapes(recipe: Recipe, vocabulary: Vocabulary, width: Mapping[str, int]) -> Shapes:
    d, first = recipe.embedding, recipe.hidden[0]
    return (
        embeddings(vocabulary, d)
        | habit(width)
        | {
            "slot_kernel": (width["history"], d),
            "position_kernel": (LENGTH, d),
            "query_kernel": (d, d),
            "key_kernel": (d, d),
            "value_kernel": (d, d),
            "wide_kernel": (d, first),
            "wide_bias": (first,),
            "narrow_kernel": (first, d),
            "user_kernel": (d, d),
        }
    )


def logits(w: Weights, asked: Asked) -> tuple[tf.Tensor, tf.Tensor]:
    values, features, present = recent(asked, LENGTH)
    e = (values + tf.matmul(features, w["slot_kernel"]) + w["position_kernel"]) * present
    query, key, value = (tf.matmul(e, w[f"{name}_kernel"]) for name in ("query", "key", "value"))
    near = tf.matmul(query, key, transpose_b=True) * float(e.shape[-1]) ** -0.5
    near = tf.where(tf.transpose(present, [0, 2, 1]) > 0, near, NOTHING)
    y = _norm(e + tf.matmul(tf.nn.softmax(near), value))[:, 0]
    y = _norm(y + tf.matmul(tf.nn.relu(tf.matmul(y, w["wide_kernel"]) + w["wide_bias"]), w["narrow_kernel"]))
    return with_habit(w, asked, tf.matmul(y * present[:, 0], w["user_kernel"]))


def _norm(values: tf.Tensor) -> tf.Tensor:
    """Mean 0 and variance 1 along the last axis (layer normalisation without gain)."""
    centred = values - tf.reduce_mean(values, axis=-1, keepdims=True)
    return centred * tf.math.rsqrt(tf.reduce_mean(tf.square(centred), axis=-1, keepdims=True) + 1e-6)
