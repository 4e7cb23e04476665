"""The loss of two towers: softmax over the products that the batch bought, each corrected by its chance to be there.

    loss(h) = - mean over bought products i of log softmax over the batch's products j of (score(h, j) - log q_j)[i]
    q_j     = 1 - (1 - p_j)^n

p_j is product j's share of all purchases of the training nights, n the number of purchases in the batch: q_j is the probability
that j is among the products of a batch, so a popular product is not pushed down for being there often.

Yi et al., Sampling-bias-corrected neural modeling, RecSys 2019, section 4; there q is estimated on the way, here it is counted.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf

from include.models import asked, two_tower
from include.models.pair_ranker import INPUTS, PairRanker
from include.models.tables import NightTables
from include.training.examples import Parts
from include.training.loop import Side

TOWERS = "two_tower"
LEAST = 1e-6
"""Share of a product that nobody bought on a training night, as those that came later."""


def with_shares(sides: list[Side], examples: Sequence[Parts], tables: list[NightTables], products: int) -> list[Side]:
    """The nights' product sides, each with `share` float32 [R]: p of every row.

    Args:
        products: numbers in the vocabulary, the unknown one among them.
    """
    count = np.zeros(products)
    for parts, table in zip(examples, tables, strict=True):
        for number in range(parts.parts):
            bought = table.product[table.row_of[parts.part(number).bought.values]]
            count += np.bincount(bought, minlength=products)
    share = np.maximum(count / max(count.sum(), 1.0), LEAST).astype(np.float32)
    return [side | {"share": tf.constant(share[table.product])} for side, table in zip(sides, tables, strict=True)]


def in_batch_loss(model: PairRanker, side: Mapping[str, tf.Tensor], batch: Mapping[str, tf.Tensor]) -> tf.Tensor:
    """Losses [B]; `side` holds `share` float32 [R] besides what the model reads. On several devices each share of a batch is
    a batch of its own here: fewer products to be told from, and other weights than on one."""
    w, products = model.sides(side)
    known = asked.read(w, products, *(batch[name] for name in INPUTS[:3]))
    slot, hot = tf.where(batch["slot_label"] > 0), tf.where(batch["hot_label"] > 0)
    household = tf.concat([slot[:, 0], hot[:, 0]], axis=0)
    bought = tf.concat([tf.gather_nd(known.history, slot), tf.gather(known.hot, hot[:, 1])], axis=0)
    rows, place = tf.unique(bought)
    count = tf.cast(tf.size(bought), tf.float32)
    inside = -tf.math.expm1(count * tf.math.log1p(-tf.gather(side["share"], rows)))
    items = two_tower.item(w, asked.outer(products.embed(rows)), tf.gather(products.features, rows))
    near = tf.matmul(two_tower.household(w, known), items, transpose_b=True)
    logp = tf.nn.log_softmax(two_tower.sharp(w, near) - tf.math.log(inside))
    mine = tf.gather_nd(logp, tf.stack([tf.cast(household, tf.int32), place], axis=1))
    many = tf.math.unsorted_segment_sum(tf.ones_like(mine), household, tf.shape(near)[0])
    total = tf.math.unsorted_segment_sum(mine, household, tf.shape(near)[0])
    return -total / tf.maximum(many, 1.0)
