"""The pair ranker's formula in plain TensorFlow operations: one function for training, gates and the served graph.

For household h with history slots s (features f_s, product p_s), household features g, and a hot product n:

    a_s        = softplus(f_s . A + a0)                          two channels of attention, 0 in empty slots
    u          = sum_s a_s1 E_in[p_s] / (1 + sum_s a_s1) + g . U
    kin_s      = log1p of the attention on other products of the same type, and of the same category, by channel
    score(s)   = MLP[f_s, x_p, g, kin_s, u . E_out] + linear[same] + u . E_out[p_s]
    score(n)   = the same with its own MLP, without f_s

x_p are the night's product features. E_in and E_out are the two halves of one table: product + type + category
embeddings summed. Features are standardised and cut at 8 standard deviations.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import tensorflow as tf

from include.models import candidates
from include.models.product_side import CUT

Weights = Mapping[str, tf.Tensor]
CHANNELS = 2


class Embedded(NamedTuple):
    """Rows of a table of embeddings: values float32 [..., H D] with H halves; scale float32 [..., H], or None for 1."""

    values: tf.Tensor
    scale: tf.Tensor | None


class Products(NamedTuple):
    """The product side as the formula reads it; every entry is by table row."""

    features: tf.Tensor
    type: tf.Tensor
    category: tf.Tensor
    types: int | tf.Tensor
    categories: int | tf.Tensor
    hot: tf.Tensor
    hot_place: tf.Tensor
    row_of: tf.Tensor
    embed: Callable[[tf.Tensor], Embedded]


class Scores(NamedTuple):
    """Rows int32 and logits float32 of the candidates, with the masks of what may be answered: [B, H] and [B, N]."""

    history: tf.Tensor
    history_logit: tf.Tensor
    history_open: tf.Tensor
    hot_logit: tf.Tensor
    hot_open: tf.Tensor


def standardise(w: Weights, side: str, values: tf.Tensor) -> tf.Tensor:
    return tf.clip_by_value((values - w[f"{side}_mean"]) / w[f"{side}_deviation"], -CUT, CUT)


def score(
    w: Weights,
    products: Products,
    history_product: tf.Tensor,
    history_features: tf.Tensor,
    household_features: tf.Tensor,
    exclude_bought: tf.Tensor,
) -> Scores:
    """Logits of all candidates of a batch of households; the inputs are those of the served signature."""
    history = candidates.rows(products.row_of, history_product)
    f = standardise(w, "history", history_features)
    g = standardise(w, "household", household_features)
    present = tf.cast(history > 0, tf.float32)[:, :, None]
    attention = tf.nn.softplus(tf.matmul(f, w["attention_kernel"]) + w["attention_bias"]) * present
    kept, hot = products.embed(history), products.embed(products.hot)
    user = pooled(attention[:, :, 0], kept) + tf.matmul(g, w["user_kernel"])
    near_history = affinity(user[:, None, :], kept)
    near_hot = hot_affinity(user, hot)
    kin_history, kin_hot = _kin(products, history, attention)
    shared = tf.matmul(g, w["history_household"])[:, None, :]
    x = tf.concat([f, tf.gather(products.features, history), kin_history, near_history[:, :, None]], axis=-1)
    history_logit = _mlp(w, "history", x, shared) + near_history
    x = tf.concat([kin_hot, near_hot[:, :, None]], axis=-1)
    shared = tf.matmul(g, w["hot_household"])[:, None, :]
    hot_features = tf.gather(products.features, products.hot)
    hot_logit = _hot_mlp(w, x, hot_features, shared) + near_hot
    seen = candidates.in_history(products.hot_place, history, products.hot)
    history_open, hot_open = candidates.mask(history, products.hot, seen, exclude_bought)
    return Scores(history, history_logit, history_open, hot_logit, hot_open)


def answer(scores: Scores, hot: tf.Tensor, k: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Rows int32 [B, k] and scores float32 [B, k] of the best open candidates."""
    logits = tf.concat([scores.history_logit, scores.hot_logit], axis=1)
    is_open = tf.concat([scores.history_open, scores.hot_open], axis=1)
    shape = tf.stack([tf.shape(logits)[0], tf.shape(hot)[0]])
    every = tf.concat([scores.history, tf.broadcast_to(hot[None, :], shape)], axis=1)
    return candidates.best(tf.where(is_open, logits, candidates.NOTHING), every, k)


def pooled(attention: tf.Tensor, rows: Embedded) -> tf.Tensor:
    """[B, D]: the attended mean of E_in, shrunk to zero for a short history."""
    return total(attention, rows) / (1.0 + tf.reduce_sum(attention, axis=1, keepdims=True))


def total(weight: tf.Tensor, rows: Embedded) -> tf.Tensor:
    """[B, D]: the weighted sum of E_in. The scale is applied to [B, H], not to the rows."""
    inner = rows.values[..., : rows.values.shape[-1] // 2]
    scaled = weight if rows.scale is None else weight * rows.scale[..., 0]
    return tf.matmul(scaled[:, None, :], inner)[:, 0]


def affinity(user: tf.Tensor, rows: Embedded) -> tf.Tensor:
    """[B, H]: u . E_out of each slot."""
    outer = rows.values[..., rows.values.shape[-1] // 2 :]
    near = tf.reduce_sum(outer * user, axis=-1)
    return near if rows.scale is None else near * rows.scale[..., 1]


def hot_affinity(user: tf.Tensor, rows: Embedded) -> tf.Tensor:
    """[B, N]: u . E_out of each hot product."""
    outer = rows.values[..., rows.values.shape[-1] // 2 :]
    near = tf.matmul(user, outer, transpose_b=True)
    return near if rows.scale is None else near * rows.scale[None, :, 1]


def _kin(products: Products, history: tf.Tensor, attention: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Attention on products alike, log1p: [B, H, 2 CHANNELS] without the slot itself, and [B, N, 2 CHANNELS]."""
    own, other = [], []
    for group, size in ((products.type, products.types), (products.category, products.categories)):
        start = tf.range(tf.shape(history)[0])[:, None] * size
        place = start + tf.gather(group, history)
        flat = tf.reshape(attention, [-1, CHANNELS])
        total = tf.math.unsorted_segment_sum(flat, tf.reshape(place, [-1]), tf.shape(history)[0] * size)
        own.append(tf.math.log1p(tf.nn.relu(tf.gather(total, place) - attention)))
        other.append(tf.math.log1p(tf.gather(total, start + tf.gather(group, products.hot)[None, :])))
    return tf.concat(own, axis=-1), tf.concat(other, axis=-1)


def _mlp(w: Weights, name: str, x: tf.Tensor, shared: tf.Tensor) -> tf.Tensor:
    hidden = tf.nn.relu(tf.matmul(x, w[f"{name}_kernel"]) + shared + w[f"{name}_bias"])
    hidden = tf.nn.relu(tf.matmul(hidden, w[f"{name}_kernel_2"]) + w[f"{name}_bias_2"])
    return (tf.matmul(hidden, w[f"{name}_out"]) + tf.matmul(x, w[f"{name}_skip"]))[:, :, 0]


def _hot_mlp(w: Weights, x: tf.Tensor, features: tf.Tensor, shared: tf.Tensor) -> tf.Tensor:
    """As _mlp; the product features' part is computed once for all households."""
    product = tf.matmul(features, w["hot_product"])[None]
    hidden = tf.nn.relu(tf.matmul(x, w["hot_kernel"]) + product + shared + w["hot_bias"])
    skip = tf.matmul(features, w["hot_product_skip"])[None] + tf.matmul(x, w["hot_skip"])
    return (tf.matmul(hidden, w["hot_out"]) + skip + w["hot_offset"])[:, :, 0]
