"""The search formula in plain TensorFlow operations: one function for training, gates and the served graph.

For household h with history slots s (features f_s, product p_s), household features g, query q, and every product p:

    score(p) = log(exp(k e(q) . t(p)) + exp(k e(q) . c(p) + b))        text: the query means p's type, or its category
             + base(x_p)                                  MLP and linear on the night's product features
             + u . E_out[p]                               taste: u = sum_s a_s E_in[p_s] / (1 + sum_s a_s) + g . U
             + sum over s with p_s = p of MLP[f_s, x_p, g, u . E_out[p]]     the household's own past with p

    a_s = softplus(f_s . A + a0), 0 in empty slots
    t(p) = unit(sum of E over pieces of the type), c(p) likewise of the category, see include/models/search_side.py

A query is read in both ways because a category's words say nothing about which of its types is meant: in one direction for
both, types of a category would differ by chance in how near its words are, and outweigh the household's past.
Scores cover all R rows: base, t and c are of the night, not of the household, and are made when the night's tables are. So a
question costs a matrix product of [1, D] with [D, R], two with [D, T] of the T texts, and the history's own network.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import tensorflow as tf

from include.models import candidates
from include.models.product_side import CUT

Weights = Mapping[str, tf.Tensor]


class Side(NamedTuple):
    """One night's products: features [R, P] standardised, base [R], row_of [V + 1];

    inner: rows [B, H] -> E_in [B, H, D]; taste: u [B, D] -> u . E_out of every row [B, R].
    """

    features: tf.Tensor
    base: tf.Tensor
    row_of: tf.Tensor
    inner: Callable[[tf.Tensor], tf.Tensor]
    taste: Callable[[tf.Tensor], tf.Tensor]


def base(w: Weights, features: tf.Tensor) -> tf.Tensor:
    """base(x_p) of every row [R]; features [R, P] standardised."""
    hidden = tf.nn.relu(tf.matmul(features, w["product_kernel"]) + w["product_bias"])
    return (tf.matmul(hidden, w["product_out"]) + tf.matmul(features, w["product_skip"]))[:, 0]


def text_match(w: Weights, asked: tf.Tensor, types: tf.Tensor, categories: tf.Tensor) -> tf.Tensor:
    """The text's part of the score [Q, T]; asked e(q) [Q, D], types t and categories c of the texts [T, D]."""
    category = w["text_scale"] * tf.matmul(asked, categories, transpose_b=True) + w["text_offset"]
    return category + tf.nn.softplus(w["text_scale"] * tf.matmul(asked, types, transpose_b=True) - category)


def personal(
    w: Weights, side: Side, history_product: tf.Tensor, history_features: tf.Tensor, household_features: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Everything but the text: scores float32 [B, R], and the rows of the history slots int32 [B, H]."""
    rows = candidates.rows(side.row_of, history_product)
    f, g = _standardise(w, "history", history_features), _standardise(w, "household", household_features)
    attention = tf.nn.softplus(tf.matmul(f, w["attention_kernel"]) + w["attention_bias"])[:, :, 0]
    attention *= tf.cast(rows > 0, tf.float32)
    mixed = tf.matmul(attention[:, None, :], side.inner(rows))[:, 0]
    user = mixed / (1.0 + tf.reduce_sum(attention, axis=1, keepdims=True)) + tf.matmul(g, w["user_kernel"])
    taste = side.taste(user)
    near = tf.gather(taste, rows, batch_dims=1)
    x = tf.concat([f, tf.gather(side.features, rows), near[:, :, None]], axis=-1)
    own = _mlp(w, x, tf.matmul(g, w["history_household"])[:, None, :])
    return side.base[None, :] + taste + spread(own, rows, tf.shape(side.base)[0]), rows


def spread(values: tf.Tensor, rows: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """float32 [B, R]: the values [B, H] of history slots at their rows; what row 0 collects is masked later."""
    household = tf.broadcast_to(tf.range(tf.shape(rows)[0])[:, None], tf.shape(rows))
    return tf.scatter_nd(tf.stack([household, rows], axis=-1), values, tf.stack([tf.shape(rows)[0], size]))


def closed(rows: tf.Tensor, exclude_bought: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """bool [B, R]: row 0, and what is in the history when it is to be left out."""
    seen = spread(tf.ones_like(rows, tf.float32), rows, size) > 0
    return tf.logical_or(tf.logical_and(seen, exclude_bought[:, None]), tf.range(size)[None, :] == 0)


def answer(scores: tf.Tensor, shut: tf.Tensor, k: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Rows int32 [B, k] (0 where there are fewer) and scores float32 [B, k] of the best open rows."""
    scores = tf.where(shut, candidates.NOTHING, scores)
    scores = tf.pad(scores, [[0, 0], [0, k]], constant_values=candidates.NOTHING)
    top, place = tf.math.top_k(scores, k=k, sorted=True)
    return tf.where(top > candidates.NOTHING / 2, place, 0), top


def _standardise(w: Weights, side: str, values: tf.Tensor) -> tf.Tensor:
    return tf.clip_by_value((values - w[f"{side}_mean"]) / w[f"{side}_deviation"], -CUT, CUT)


def _mlp(w: Weights, x: tf.Tensor, shared: tf.Tensor) -> tf.Tensor:
    hidden = tf.nn.relu(tf.matmul(x, w["history_kernel"]) + shared + w["history_bias"])
    hidden = tf.nn.relu(tf.matmul(hidden, w["history_kernel_2"]) + w["history_bias_2"])
    return (tf.matmul(hidden, w["history_out"]) + tf.matmul(x, w["history_skip"]))[:, :, 0]
