"""Features of household, product and slot crossed with one another, twice, by low-rank matrices.

    x0 = [f_s, x_p, g, u, Out[p]]          x <- x0 * (U (V x) + b) + x          score = x . a
    u  = mean_s In[p_s]

Wang et al., DCN V2: Improved deep & cross network, WWW 2021, section 3.2 (cross network) and 3.5 (low rank), without the deep
part, which `quick` is. New products have no slot and weights of their own.
"""

from collections.abc import Mapping

import tensorflow as tf

from include.models import scoring
from include.models.asked import Asked, Shapes, embeddings, outer
from include.models.scoring import Weights
from include.models.vocabulary import Vocabulary
from include.recipes.recipe import Recipe

LAYERS = 2


def shapes(recipe: Recipe, vocabulary: Vocabulary, width: Mapping[str, int]) -> Shapes:
    d, rank = recipe.embedding, recipe.hidden[0]
    common = width["product"] + width["household"] + 2 * d
    out = embeddings(vocabulary, d)
    for side, size in (("history", common + width["history"]), ("hot", common)):
        for layer in range(LAYERS):
            out |= {
                f"{side}_down_kernel_{layer}": (size, rank),
                f"{side}_up_kernel_{layer}": (rank, size),
                f"{side}_bias_{layer}": (size,),
            }
        out |= {f"{side}_skip": (size, 1), f"{side}_offset": (1,)}
    return out


def logits(w: Weights, asked: Asked) -> tuple[tf.Tensor, tf.Tensor]:
    number = tf.maximum(tf.reduce_sum(asked.present, axis=1, keepdims=True), 1.0)
    about = tf.concat([asked.g, scoring.total(asked.present, asked.kept) / number], axis=1)
    own = [asked.f, asked.x, _beside(about, tf.shape(asked.x)[1]), outer(asked.kept)]
    batch = tf.shape(about)[0]
    new = [_each(asked.x_hot, batch), _beside(about, tf.shape(asked.x_hot)[0]), _each(outer(asked.new), batch)]
    return _crossed(w, "history", tf.concat(own, axis=-1)), _crossed(w, "hot", tf.concat(new, axis=-1))


def _crossed(w: Weights, side: str, x0: tf.Tensor) -> tf.Tensor:
    x = x0
    for layer in range(LAYERS):
        low = tf.matmul(x, w[f"{side}_down_kernel_{layer}"])
        x = x0 * (tf.matmul(low, w[f"{side}_up_kernel_{layer}"]) + w[f"{side}_bias_{layer}"]) + x
    return (tf.matmul(x, w[f"{side}_skip"]) + w[f"{side}_offset"])[:, :, 0]


def _beside(about: tf.Tensor, many: tf.Tensor) -> tf.Tensor:
    """[B, G + D] beside each of `many` products."""
    return tf.broadcast_to(about[:, None, :], tf.stack([tf.shape(about)[0], many, about.shape[1]]))


def _each(rows: tf.Tensor, batch: tf.Tensor) -> tf.Tensor:
    """[N, D] for every household."""
    return tf.broadcast_to(rows[None], tf.stack([batch, tf.shape(rows)[0], rows.shape[1]]))
