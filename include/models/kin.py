"""What a household's slots say of each product: how much it buys of the product's type and category, and of products alike.

For household h with slots s, group q (a product's type, or its category) and a product i of it:

    sums(i)   = log1p of sum of c_s over the slots of q, for each channel c; of the slot's own product the rest
    near(i)   = max of exp(-days since s / 28) over the slots of q
    alike(i)  = log1p(1000 relu(In . Out_i)) / 3 with In = sum of v_s In[p_s], for each weight v, over D and D / 2 directions

Channels c are purchase days that fade over 7, 28 and 140 days, all purchase days, and 1; weights v are 1 and the days that fade
over 140, at most 1. Channels of features that the surface does not read are left out. Slots of all households of a batch lie
end to end, [M], each with the place of its household: an empty slot costs nothing.
"""

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

FADING = ("decay_7", "decay_28", "decay_140", "days_total")
NEAR_DAYS = 28.0
ALIKE = 1000.0


class Slots(NamedTuple):
    """Of each slot: channels float32 [M, C], the last one 1; near [M]."""

    channels: tf.Tensor
    near: tf.Tensor


class Group(NamedTuple):
    """Sums of channels [Q * B, C] and nearness [Q * B] by text and household; place int32 [M] of each slot therein; Q and B."""

    sums: tf.Tensor
    near: tf.Tensor
    place: tf.Tensor
    size: int | tf.Tensor
    batch: tf.Tensor


def width(columns: Sequence[str]) -> int:
    """Number of features that `of_slots` and `of_products` make, without the ones of `alike`: for each group."""
    return sum(name in columns for name in FADING) + 2


def slots(columns: Sequence[str], features: tf.Tensor) -> Slots:
    """From the features as they are asked with [M, F], logarithms of 1 + x, by name."""
    plain = {name: tf.math.expm1(features[:, columns.index(name)]) for name in FADING if name in columns}
    one = tf.ones_like(features[:, 0])
    recency = features[:, columns.index("recency")] if "recency" in columns else tf.zeros_like(one)
    near = tf.exp(tf.maximum(-tf.math.expm1(recency), -1000.0) / NEAR_DAYS)
    return Slots(tf.stack([*plain.values(), one], axis=-1), near)


def weights(columns: Sequence[str], features: tf.Tensor, present: tf.Tensor) -> tf.Tensor:
    """[B, H, 2]: both weights v of slots with features [B, H, F], 0 where `present` bool [B, H] is not."""
    one = tf.cast(present, tf.float32)
    days = tf.math.expm1(features[:, :, columns.index("decay_140")]) if "decay_140" in columns else one
    return tf.stack([one, tf.minimum(days, 1.0) * one], axis=-1)


def group(owner: tf.Tensor, of_slot: tf.Tensor, batch: tf.Tensor, size: int | tf.Tensor, found: Slots) -> Group:
    """Gather the slots of household `owner` int32 [M] by the number of their text, int32 [M] below `size`."""
    place = of_slot * batch + owner
    sums = tf.math.unsorted_segment_sum(found.channels, place, batch * size)
    near = tf.math.unsorted_segment_max(found.near, place, batch * size)
    return Group(sums, tf.maximum(near, 0.0), place, size, batch)


def weighed(found: Group, weight: tf.Tensor) -> tf.Tensor:
    """[Q, B]: the features of a product of each text times `weight` [C + 1]; 0 for texts of no slot, which cost nothing."""
    value = tf.linalg.matvec(_features(found, found.place, 0.0), weight)
    total = tf.math.unsorted_segment_max(value, found.place, tf.shape(found.near)[0])
    return tf.reshape(tf.where(found.near > 0, total, 0.0), [found.size, found.batch])


def of_slots(found: Group, own: tf.Tensor) -> tf.Tensor:
    """[M, C + 1] of each slot, its own channels [M, C] taken out of the sums."""
    return _features(found, found.place, own)


def of_products(found: Group, of_product: tf.Tensor) -> tf.Tensor:
    """[B, N, C + 1] of products with texts [B, N] that are in no slot."""
    return _features(found, of_product * found.batch + tf.range(found.batch)[:, None], 0.0)


def _features(found: Group, place: tf.Tensor, own: tf.Tensor | float) -> tf.Tensor:
    sums = tf.math.log1p(tf.nn.relu(tf.gather(found.sums, place) - own))
    return tf.concat([sums, tf.gather(found.near, place)[..., None]], axis=-1)
