"""Two towers that meet in one product: a household's vector and a product's, each of length 1.

    u = unit(m + W2 relu(W1 [m, g]))      v = unit(Out[p] + V2 relu(V1 x_p))    score = k u . v

m is the mean of In[p_s] over the slots, weighed by a function of their features.

Yi et al., Sampling-bias-corrected neural modeling for large corpus item recommendations, RecSys 2019, section 3. Trained by
include/training/in_batch.py: softmax over the batch's own products, corrected by how likely each is to be among them. W2 and V2
begin at zero, or all products would begin with nearly the same vector.
"""

from collections.abc import Mapping

import tensorflow as tf

from include.models import scoring
from include.models.asked import Asked, Shapes, embeddings, outer
from include.models.scoring import Weights
from include.models.text import unit
from include.models.vocabulary import Vocabulary
from include.recipes.recipe import Recipe


def shapes(recipe: Recipe, vocabulary: Vocabulary, width: Mapping[str, int]) -> Shapes:
    d, (first, second) = recipe.embedding, recipe.hidden
    return embeddings(vocabulary, d) | {
        "attention": (width["history"], 1),
        "user_kernel": (d + width["household"], first),
        "user_bias": (first,),
        "user_skip": (first, d),
        "item_kernel": (width["product"], second),
        "item_bias": (second,),
        "item_skip": (second, d),
        "sharpness": (1,),
    }


def logits(w: Weights, asked: Asked) -> tuple[tf.Tensor, tf.Tensor]:
    user = household(w, asked)
    own = tf.reduce_sum(item(w, outer(asked.kept), asked.x) * user[:, None, :], axis=-1)
    return sharp(w, own), sharp(w, tf.matmul(user, item(w, outer(asked.new), asked.x_hot), transpose_b=True))


def household(w: Weights, asked: Asked) -> tf.Tensor:
    """u float32 [B, D]; the mean is weighed by what the slots' features say."""
    weight = tf.nn.softplus(tf.matmul(asked.f, w["attention"])[:, :, 0]) * asked.present
    mean = scoring.total(weight, asked.kept) / (1.0 + tf.reduce_sum(weight, axis=1, keepdims=True))
    hidden = tf.nn.relu(tf.matmul(tf.concat([mean, asked.g], axis=1), w["user_kernel"]) + w["user_bias"])
    return unit(mean + tf.matmul(hidden, w["user_skip"]))


def item(w: Weights, out: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
    """v float32 [..., D] of products with Out [..., D] and features [..., P]."""
    return unit(out + tf.matmul(tf.nn.relu(tf.matmul(x, w["item_kernel"]) + w["item_bias"]), w["item_skip"]))


def sharp(w: Weights, near: tf.Tensor) -> tf.Tensor:
    """k times a cosine; k is 10 before anything is learned."""
    return 10.0 * tf.exp(w["sharpness"]) * near
