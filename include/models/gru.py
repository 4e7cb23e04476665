"""A gated recurrent unit over the household's recent products, oldest first; its last state is the household's taste.

    z = sigmoid(Wz e + Uz h)    r = sigmoid(Wr e + Ur h)    c = tanh(W e + U (r * h))    h <- (1 - z) h + z c
    e = [In[p], f]              u = O h                     score = u . Out[p] + linear terms

Hidasi et al., Session-based recommendations with recurrent neural networks, ICLR 2016, section 3.1. A product counts once, at
its last purchase: that is how a household's slots are told. The steps are unrolled, so the graph has no loop.
"""

from collections.abc import Mapping

import tensorflow as tf

from include.models.asked import Asked, Shapes, embeddings, habit, recent, with_habit
from include.models.scoring import Weights
from include.models.vocabulary import Vocabulary
from include.recipes.recipe import Recipe

LENGTH = 16


def shapes(recipe: Recipe, vocabulary: Vocabulary, width: Mapping[str, int]) -> Shapes:
    d, units = recipe.embedding, recipe.hidden[0]
    return (
        embeddings(vocabulary, d)
        | habit(width)
        | {
            "gate_kernel": (d + width["history"], 3 * units),
            "gate_recurrent": (units, 2 * units),
            "gate_candidate_kernel": (units, units),
            "gate_bias": (3 * units,),
            "user_kernel": (units, d),
        }
    )


def logits(w: Weights, asked: Asked) -> tuple[tf.Tensor, tf.Tensor]:
    values, features, present = recent(asked, LENGTH)
    inputs = tf.matmul(tf.concat([values, features], axis=-1), w["gate_kernel"]) + w["gate_bias"]
    units = w["gate_candidate_kernel"].shape[0]
    state = tf.zeros([tf.shape(inputs)[0], units])
    for place in reversed(range(LENGTH)):
        for_z, for_r, for_c = tf.split(inputs[:, place], 3, axis=1)
        old_z, old_r = tf.split(tf.matmul(state, w["gate_recurrent"]), 2, axis=1)
        z = tf.sigmoid(for_z + old_z) * present[:, place]
        c = tf.tanh(for_c + tf.matmul(tf.sigmoid(for_r + old_r) * state, w["gate_candidate_kernel"]))
        state = (1.0 - z) * state + z * c
    return with_habit(w, asked, tf.matmul(state, w["user_kernel"]))
