"""LambdaRank: a pairwise loss in which a pair weighs what swapping it would change in NDCG.

    loss = sum over bought i and not bought j of |gain(r_i) - gain(r_j)| log(1 + exp(s_j - s_i)) / ideal
    gain(r) = 1 / log2(r + 1) down to rank DEPTH, 0 below it        ideal = sum of gain over as many ranks as were bought

with ranks r = 1, 2, .. by score as they are now; no gradient goes through them (Burges, From RankNet to LambdaRank to
LambdaMART, MSR-TR-2010-82, sections 4 and 6). A softmax over all candidates spends most of itself on what no shopper sees.
"""

import numpy as np
import tensorflow as tf

from include.models import candidates

DEPTH = 30
"""Deeper than what is measured: a product that has yet to rise to the top ten shall feel it."""
BOUGHT = 24
"""Bought candidates of a household that are looked at: those of the highest scores. It bounds the pairs of a batch."""

_GAIN = (1 / np.log2(np.arange(2, DEPTH + 2))).astype(np.float32)
_IDEAL = np.concatenate([[1], np.cumsum(_GAIN)]).astype(np.float32)


def lambda_rank(logits: tf.Tensor, label: tf.Tensor) -> tf.Tensor:
    """Losses [B] of logits [B, C], NOTHING where there is no candidate, and labels [B, C] of 0 and 1; 0 where none is 1."""
    is_open = logits > candidates.NOTHING / 2
    bought = tf.logical_and(label > 0, is_open)
    missed = tf.cast(tf.logical_and(is_open, tf.logical_not(bought)), tf.float32)
    gain = _gain_now(logits)
    count = tf.minimum(tf.reduce_sum(tf.cast(bought, tf.int32), axis=1), DEPTH)
    found = tf.math.top_k(tf.where(bought, logits, candidates.NOTHING), tf.minimum(BOUGHT, tf.shape(logits)[1]))
    place, real = tf.stop_gradient(found.indices), tf.cast(found.values > candidates.NOTHING / 2, tf.float32)
    apart = tf.gather(logits, place, batch_dims=1)[:, :, None] - logits[:, None, :]
    swapped = tf.abs(tf.gather(gain, place, batch_dims=1)[:, :, None] - gain[:, None, :])
    weight = tf.stop_gradient(swapped * real[:, :, None] * missed[:, None, :])
    return tf.reduce_sum(weight * tf.nn.softplus(-tf.where(weight > 0, apart, 0.0)), axis=[1, 2]) / tf.gather(_IDEAL, count)


def _gain_now(logits: tf.Tensor) -> tf.Tensor:
    """What the rank of each candidate counts, [B, C]."""
    order = tf.argsort(logits, axis=1, direction="DESCENDING", stable=True)
    rank = tf.argsort(order, axis=1, stable=True)
    return tf.gather(tf.constant(np.append(_GAIN, np.float32(0))), tf.minimum(rank, DEPTH))
