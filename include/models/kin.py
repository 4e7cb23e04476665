"""What a household's slots say of each product: how much it buys of the product's type and category, and of products alike.

For household h with slots s, group q (a product's type, or its category) and a product i of it:

    sums(i)   = log1p of sum of c_s over the slots of q, for each channel c; of the slot's own product the rest
    near(i)   = max of exp(-days since s / 28) over the slots of q
    alike(i)  = log1p(1000 relu(In . Out_i)) / 3 with In = sum of v_s In[p_s], for each weight v, over D and D / 2 directions

Channels c are purchase days that fade over 7, 28 and 140 days, all purchase days, and 1; weights v are 1 and the days that fade
over 140, at most 1. Channels of features that the surface does not read are left out.
"""

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

FADING = ("decay_7", "decay_28", "decay_140", "days_total")
NEAR_DAYS = 28.0
ALIKE = 1000.0


class Slots(NamedTuple):
    """Per slot: channels float32 [B, H, C], the last one 1; near [B, H]; weights [B, H, 2]. All are 0 in empty slots."""

    channels: tf.Tensor
    near: tf.Tensor
    weights: tf.Tensor


class Group(NamedTuple):
    """Per household and text: sums of channels [B, Q, C] and nearness [B, Q]."""

    sums: tf.Tensor
    near: tf.Tensor


def width(columns: Sequence[str]) -> int:
    """Number of features that `of_slots` and `of_products` make, without the ones of `alike`: for each group."""
    return sum(name in columns for name in FADING) + 2


def slots(columns: Sequence[str], features: tf.Tensor, present: tf.Tensor) -> Slots:
    """From the features as they are asked with [B, H, F], logarithms of 1 + x, by name; `present` bool [B, H]."""
    one = tf.cast(present, tf.float32)
    plain = {name: tf.math.expm1(features[:, :, columns.index(name)]) * one for name in FADING if name in columns}
    recency = features[:, :, columns.index("recency")] if "recency" in columns else tf.zeros_like(one)
    faded = tf.minimum(plain.get("decay_140", one), 1.0)
    near = tf.exp(tf.maximum(-tf.math.expm1(recency), -1000.0) / NEAR_DAYS) * one
    return Slots(tf.stack([*plain.values(), one], axis=-1), near, tf.stack([one, faded], axis=-1))


def group(of_slot: tf.Tensor, size: int | tf.Tensor, found: Slots) -> Group:
    """Gather the slots by the number of their text, int32 [B, H] below `size`."""
    batch, count = tf.shape(of_slot)[0], found.channels.shape[-1]
    place = tf.reshape(tf.range(batch)[:, None] * size + of_slot, [-1])
    sums = tf.math.unsorted_segment_sum(tf.reshape(found.channels, [-1, count]), place, batch * size)
    near = tf.maximum(tf.math.unsorted_segment_max(tf.reshape(found.near, [-1]), place, batch * size), 0.0)
    return Group(tf.reshape(sums, [batch, size, count]), tf.reshape(near, [batch, size]))


def of_slots(found: Group, of_slot: tf.Tensor, own: tf.Tensor) -> tf.Tensor:
    """[B, H, C + 1] of each slot, its own channels [B, H, C] taken out of the sums."""
    rest = tf.gather(found.sums, of_slot, batch_dims=1) - own
    return tf.concat([tf.math.log1p(tf.nn.relu(rest)), tf.gather(found.near, of_slot, batch_dims=1)[:, :, None]], axis=-1)


def of_products(found: Group, of_product: tf.Tensor) -> tf.Tensor:
    """[B, N, C + 1] of products [B, N] that are in no slot."""
    sums = tf.math.log1p(tf.nn.relu(tf.gather(found.sums, of_product, batch_dims=1)))
    return tf.concat([sums, tf.gather(found.near, of_product, batch_dims=1)[:, :, None]], axis=-1)
