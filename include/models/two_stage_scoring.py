"""The two-stage ranker's formula in plain TensorFlow operations: one function for training, gates and the served graph.

    first(n)  = kin_n . F + x_n . f                      for every hot product n that the household never bought: linear
    shortlist = the `shortlist` best of these
    score(s)  = net_repeat[f_s, x_p, kin_s, g]           for a slot s with features f_s
    score(n)  = net_explore[x_n, kin_n, g]               for a product n of the shortlist: one beside the slots, one alone
    net[v, g] = two layers of relu over v and g, and a linear term of v

Which new product comes first, and how it compares with the household's own, are two questions: net_explore answers each with
weights of its own in its last layer, and a request for new products alone (`exclude_bought`) gets the first answer.

x are the night's product features, g the household's, kin what kin.py makes of the slots; the first stage reads of what is
alike only the part over all directions. Features are standardised and cut at 8 standard deviations. Rows of the factors are
gathered as they are stored (float32 or int8 with a scale) and scaled after.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import tensorflow as tf

from include.models import candidates, kin
from include.models.scoring import Embedded, Products, Weights, standardise

WEIGHTS = 2
"""Weights of slots with which the factors are summed."""
ALIKES = 2 * WEIGHTS
"""Features by factors: over all and over half of the directions."""
HEADS = 2
"""Answers of net_explore: beside the slots, alone."""


class Scores(NamedTuple):
    """Slots: rows int32, logits and mask [B, H]. Hot products: logits of the first stage and mask [B, N]. Shortlist: places
    among the hot products int32, logits of the second stage beside the slots and alone, and mask [B, K]."""

    history: tf.Tensor
    history_logit: tf.Tensor
    history_open: tf.Tensor
    first_logit: tf.Tensor
    hot_open: tf.Tensor
    place: tf.Tensor
    short_logit: tf.Tensor
    alone_logit: tf.Tensor
    short_open: tf.Tensor


class Night(NamedTuple):
    """The product side as this model reads it: what all rankers read, with In [..., D] as the embedding of rows; Out [..., D];
    `itself` [R, 2], what the factors of a row say of that row, over all and over half of the directions; of the hot products
    Out [N, D] and the term x . f of the first stage [N]."""

    products: Products
    outer: Callable[[tf.Tensor], Embedded]
    itself: tf.Tensor
    hot_outer: tf.Tensor
    hot_base: tf.Tensor


class Pairs(NamedTuple):
    """What the networks read. Slots end to end: place in the batch int64 [M, 2] and features [M, S]; the shortlist's features
    [B, K, X]; the household's [B, G]. The rest as in Scores."""

    slot: tf.Tensor
    of_slot: tf.Tensor
    of_short: tf.Tensor
    household: tf.Tensor
    history: tf.Tensor
    history_open: tf.Tensor
    first_logit: tf.Tensor
    hot_open: tf.Tensor
    place: tf.Tensor
    short_open: tf.Tensor


def score(
    w: Weights,
    night: Night,
    columns: Sequence[str],
    shortlist: int,
    history_product: tf.Tensor,
    history_features: tf.Tensor,
    household_features: tf.Tensor,
    exclude_bought: tf.Tensor,
) -> Scores:
    """Logits of all candidates of a batch; `columns` names the history features, inputs are those of the served signature."""
    found = pairs(w, night, columns, shortlist, history_product, history_features, household_features, exclude_bought)
    owner, shape = tf.cast(found.slot[:, 0], tf.int32), tf.shape(found.place)
    slot_logit = _net(w, "history", found.of_slot, tf.gather(found.household, owner))[:, 0]
    short = tf.reshape(found.of_short, [-1, found.of_short.shape[-1]])
    short_logit = _net(w, "hot", short, tf.repeat(found.household, shape[1], axis=0)) + w["hot_offset"]
    beside, alone = tf.unstack(tf.reshape(short_logit, [shape[0], shape[1], HEADS]), axis=-1)
    return Scores(
        found.history,
        tf.scatter_nd(found.slot, slot_logit, tf.shape(found.history, tf.int64)),
        found.history_open,
        found.first_logit,
        found.hot_open,
        found.place,
        beside,
        alone,
        found.short_open,
    )


def pairs(
    w: Weights,
    night: Night,
    columns: Sequence[str],
    shortlist: int,
    history_product: tf.Tensor,
    history_features: tf.Tensor,
    household_features: tf.Tensor,
    exclude_bought: tf.Tensor,
) -> Pairs:
    """What both networks read of a batch, after the first stage has chosen; arguments as those of `score`."""
    products = night.products
    history, hot = candidates.rows(products.row_of, history_product), products.hot
    seen = candidates.in_history(products.hot_place, history, hot)
    history_open, hot_open = candidates.mask(history, hot, seen, exclude_bought)
    slot, batch = tf.where(history > 0), tf.shape(history)[0]
    owner, row, features = tf.cast(slot[:, 0], tf.int32), tf.gather_nd(history, slot), tf.gather_nd(history_features, slot)
    found = kin.slots(columns, features)
    codes = ((products.type, products.types), (products.category, products.categories))
    groups = [kin.group(owner, tf.gather(code, row), batch, size, found) for code, size in codes]
    weights = kin.weights(columns, history_features, history > 0)
    user = _user(weights, products.embed(history))

    first_logit = _first(w, night, groups, user)
    place = tf.stop_gradient(tf.math.top_k(tf.where(hot_open, first_logit, candidates.NOTHING), shortlist).indices)
    rows = tf.gather(hot, place)
    kin_short = [kin.of_products(one, tf.gather(code, rows)) for one, (code, _) in zip(groups, codes, strict=True)]
    of_short = [tf.gather(products.features, rows), *kin_short, _bent(_near(user, night.outer(rows)))]
    kin_slots = [kin.of_slots(one, found.channels) for one in groups]
    itself = tf.concat([weights * part for part in tf.split(tf.gather(night.itself, history), 2, axis=-1)], axis=-1)
    alike_slots = _bent(tf.gather_nd(_near(user, night.outer(history)) - itself, slot))
    of_slot = [standardise(w, "history", features), tf.gather(products.features, row), *kin_slots, alike_slots]
    return Pairs(
        slot,
        tf.concat(of_slot, axis=-1),
        tf.concat(of_short, axis=-1),
        standardise(w, "household", household_features),
        history,
        history_open,
        first_logit,
        hot_open,
        place,
        tf.gather(hot_open, place, batch_dims=1),
    )


def answer(scores: Scores, exclude_bought: tf.Tensor, hot: tf.Tensor, k: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Rows int32 [B, k] and scores float32 [B, k] of the best open candidates."""
    short_logit = tf.where(exclude_bought[:, None], scores.alone_logit, scores.short_logit)
    logits = tf.concat([scores.history_logit, short_logit], axis=1)
    is_open = tf.concat([scores.history_open, scores.short_open], axis=1)
    every = tf.concat([scores.history, tf.gather(hot, scores.place)], axis=1)
    return candidates.best(tf.where(is_open, logits, candidates.NOTHING), every, k)


def _first(w: Weights, night: Night, groups: Sequence[kin.Group], user: tf.Tensor) -> tf.Tensor:
    """[B, N], made as [N, B], in which gathering is cheap. It is linear in the kin, so each text is weighed once and gathered,
    not each product's kin."""
    products, batch, size = night.products, tf.shape(user)[0], user.shape[-1]
    near = tf.matmul(night.hot_outer, tf.reshape(tf.transpose(user, [1, 0, 2]), [-1, size]), transpose_b=True)
    alike = _bent(near)
    total = night.hot_base[:, None] + alike[:, :batch] * w["first_alike"][0] + alike[:, batch:] * w["first_alike"][1]
    for i, (one, code) in enumerate(zip(groups, (products.type, products.category), strict=True)):
        total += tf.gather(kin.weighed(one, w["first_kin"][i]), tf.gather(code, products.hot))
    return tf.transpose(total)


def base(w: Weights, products: Products) -> tf.Tensor:
    """[N]: the first stage's term of a hot product that is the same for everybody."""
    return tf.linalg.matvec(tf.gather(products.features, products.hot), w["first_product"])


def _user(weights: tf.Tensor, rows: Embedded) -> tf.Tensor:
    """[B, 2, D]: the weighted sums of In."""
    scaled = weights if rows.scale is None else weights * rows.scale
    return tf.matmul(scaled, rows.values, transpose_a=True)


def _near(user: tf.Tensor, rows: Embedded) -> tf.Tensor:
    """[B, H, 4]: In . Out of rows [B, H] over all directions and over half of them."""
    size = user.shape[-1]
    half = user * tf.constant([1.0] * max(1, size // 2) + [0.0] * (size - max(1, size // 2)))
    near = tf.matmul(rows.values, tf.concat([user, half], axis=1), transpose_b=True)
    return near if rows.scale is None else near * rows.scale


def _bent(near: tf.Tensor) -> tf.Tensor:
    return tf.math.log1p(kin.ALIKE * tf.nn.relu(near)) / 3.0


def _net(w: Weights, name: str, x: tf.Tensor, household: tf.Tensor) -> tf.Tensor:
    """[M, O] of candidates [M, X] and their households [M, G]: side by side in one product with its bias and relu, which the
    runtime makes in one pass over the widest tensor there is."""
    kernel = tf.concat([w[f"{name}_kernel"], w[f"{name}_household"]], axis=0)
    hidden = _layer(tf.concat([x, household], axis=1), kernel, w[f"{name}_bias"])
    hidden = _layer(hidden, w[f"{name}_kernel_2"], w[f"{name}_bias_2"])
    return tf.matmul(hidden, w[f"{name}_out"]) + tf.matmul(x, w[f"{name}_skip"])


def _layer(x: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
    return tf.nn.relu(tf.nn.bias_add(tf.matmul(x, kernel), bias))
