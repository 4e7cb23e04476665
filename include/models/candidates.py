"""Candidates and answers as plain TensorFlow operations, shared by every model of the household-ranks-products kind.

Shapes: B households, H history slots, N hot products, R table rows, K places of an answer. A household's candidates are
its history slots, then the hot products that are not in its history.
"""

import tensorflow as tf

NOTHING = -1e9
"""Logit of a place that holds no candidate: finite, so that it survives JSON."""


def rows(row_of: tf.Tensor, product: tf.Tensor) -> tf.Tensor:
    """int32 [B, H] table rows of product indices; 0 for an empty slot (-1) and for products of a later night."""
    last = tf.shape(row_of)[0] - 1
    known = tf.logical_and(product >= 0, product < last)
    return tf.gather(row_of, tf.where(known, product, last))


def in_history(hot_place: tf.Tensor, history: tf.Tensor, hot: tf.Tensor) -> tf.Tensor:
    """bool [B, N]: hot products that are in the history, by their place instead of by comparing B x N x H pairs."""
    shape = tf.stack([tf.shape(history)[0], tf.shape(hot)[0] + 1])
    place = tf.gather(hot_place, history)
    household = tf.broadcast_to(tf.range(shape[0])[:, None], tf.shape(place))
    count = tf.scatter_nd(tf.stack([household, place], axis=-1), tf.ones_like(place), shape)
    return count[:, :-1] > 0


def mask(history: tf.Tensor, hot: tf.Tensor, seen: tf.Tensor, exclude_bought: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Which candidates may be answered: bool [B, H] and bool [B, N]."""
    return tf.logical_and(history > 0, ~exclude_bought[:, None]), tf.logical_and(hot[None, :] > 0, ~seen)


def best(scores: tf.Tensor, candidate_rows: tf.Tensor, k: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Top k of each household: rows int32 [B, k] (0 where there are fewer) and scores float32 [B, k], descending."""
    batch = tf.shape(scores)[0]
    scores = tf.concat([scores, tf.fill([batch, k], NOTHING)], axis=1)
    candidate_rows = tf.concat([candidate_rows, tf.zeros([batch, k], tf.int32)], axis=1)
    top, place = tf.math.top_k(scores, k=k, sorted=True)
    found = tf.gather(candidate_rows, place, batch_dims=1)
    return tf.where(top > NOTHING / 2, found, 0), top
