"""The two-stage ranker's formula in plain TensorFlow operations: one function for training, gates and the served graph.

    first(n)  = kin_n . F + x_n . f                      for every hot product n that the household never bought: linear
    shortlist = the `shortlist` best of these
    score(s)  = net_repeat[f_s, x_p, kin_s, g]           for a slot s with features f_s
    score(n)  = net_explore[x_n, kin_n, g]               for a product n of the shortlist
    net[v, g] = two layers of relu over v and g, and a linear term of v

x are the night's product features, g the household's, kin what kin.py makes of the slots. Features are standardised and cut
at 8 standard deviations. Rows of the factors are gathered as they are stored (float32 or int8 with a scale) and scaled after.
"""

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from include.models import candidates, kin
from include.models.scoring import Embedded, Products, Weights, standardise

ALIKES = 4
"""Features by factors: two weights of slots, over all and over half of the directions."""


class Scores(NamedTuple):
    """Slots: rows int32, logits and mask [B, H]. Hot products: logits of the first stage and mask [B, N]. Shortlist: places
    among the hot products int32, logits of the second stage and mask [B, K]."""

    history: tf.Tensor
    history_logit: tf.Tensor
    history_open: tf.Tensor
    first_logit: tf.Tensor
    hot_open: tf.Tensor
    place: tf.Tensor
    short_logit: tf.Tensor
    short_open: tf.Tensor


def score(
    w: Weights,
    products: Products,
    columns: Sequence[str],
    shortlist: int,
    history_product: tf.Tensor,
    history_features: tf.Tensor,
    household_features: tf.Tensor,
    exclude_bought: tf.Tensor,
) -> Scores:
    """Logits of all candidates of a batch; `columns` names the history features, inputs are those of the served signature."""
    history, hot = candidates.rows(products.row_of, history_product), products.hot
    found = kin.slots(columns, history_features, history > 0)
    f = standardise(w, "history", history_features)
    g = standardise(w, "household", household_features)
    seen = candidates.in_history(products.hot_place, history, hot)
    history_open, hot_open = candidates.mask(history, hot, seen, exclude_bought)
    codes = ((products.type, products.types), (products.category, products.categories))
    groups = [kin.group(tf.gather(code, history), size, found) for code, size in codes]
    kept = products.embed(history)
    user = _user(found.weights, kept)

    alike_hot = _alike_hot(user, products.embed(hot))
    first_logit = _first(w, products, groups, alike_hot)
    place = tf.stop_gradient(tf.math.top_k(tf.where(hot_open, first_logit, candidates.NOTHING), shortlist).indices)
    rows = tf.gather(hot, place)
    short_open = tf.gather(hot_open, place, batch_dims=1)
    kin_short = [kin.of_products(one, tf.gather(code, rows)) for one, (code, _) in zip(groups, codes, strict=True)]
    alike_short = tf.gather(alike_hot, place, batch_dims=1)
    x = tf.concat([tf.gather(products.features, rows), *kin_short, alike_short], axis=-1)
    short_logit = _net(w, "hot", x, g) + w["hot_offset"]

    own = found.channels
    kin_slots = [kin.of_slots(one, tf.gather(code, history), own) for one, (code, _) in zip(groups, codes, strict=True)]
    x = tf.concat([f, tf.gather(products.features, history), *kin_slots, _alike_slots(user, kept, found.weights)], axis=-1)
    history_logit = _net(w, "history", x, g)
    return Scores(history, history_logit, history_open, first_logit, hot_open, place, short_logit, short_open)


def answer(scores: Scores, hot: tf.Tensor, k: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Rows int32 [B, k] and scores float32 [B, k] of the best open candidates."""
    logits = tf.concat([scores.history_logit, scores.short_logit], axis=1)
    is_open = tf.concat([scores.history_open, scores.short_open], axis=1)
    every = tf.concat([scores.history, tf.gather(hot, scores.place)], axis=1)
    return candidates.best(tf.where(is_open, logits, candidates.NOTHING), every, k)


def _first(w: Weights, products: Products, groups: Sequence[kin.Group], alike: tf.Tensor) -> tf.Tensor:
    """[B, N]: linear in the kin, so each text is weighed once and gathered, not each product's kin."""
    width = w["first_kin"].shape[1]
    total = tf.linalg.matvec(alike, w["first_alike"]) + tf.linalg.matvec(
        tf.gather(products.features, products.hot), w["first_product"]
    )
    for i, (one, code) in enumerate(zip(groups, (products.type, products.category), strict=True)):
        weight = w["first_kin"][i]
        by_text = tf.linalg.matvec(tf.math.log1p(one.sums), weight[: width - 1]) + weight[width - 1] * one.near
        total += tf.gather(by_text, tf.gather(code, products.hot), axis=1)
    return total


def _user(weights: tf.Tensor, rows: Embedded) -> tf.Tensor:
    """[B, 2, D]: the weighted sums of In."""
    inner = rows.values[..., : rows.values.shape[-1] // 2]
    scaled = weights if rows.scale is None else weights * rows.scale[..., :1]
    return tf.matmul(scaled, inner, transpose_a=True)


def _halves(values: tf.Tensor) -> list[tf.Tensor]:
    """The last axis, whole and its first half."""
    return [values, values[..., : max(1, values.shape[-1] // 2)]]


def _outer(rows: Embedded) -> tf.Tensor:
    return rows.values[..., rows.values.shape[-1] // 2 :]


def _alike_hot(user: tf.Tensor, rows: Embedded) -> tf.Tensor:
    """[B, N, 4]: what the household's slots say of each hot product by the factors."""
    near = [tf.einsum("bwd,nd->bnw", u, o) for u, o in zip(_halves(user), _halves(_outer(rows)), strict=True)]
    scaled = tf.concat(near, axis=-1)
    return _bent(scaled if rows.scale is None else scaled * rows.scale[None, :, 1:])


def _alike_slots(user: tf.Tensor, rows: Embedded, weights: tf.Tensor) -> tf.Tensor:
    """[B, H, 4]: the same for each slot, without what it says of itself."""
    inner, near = rows.values[..., : rows.values.shape[-1] // 2], []
    for u, i, o in zip(_halves(user), _halves(inner), _halves(_outer(rows)), strict=True):
        itself = tf.reduce_sum(i * o, axis=-1, keepdims=True)
        itself = itself if rows.scale is None else itself * rows.scale[..., :1]
        near.append(tf.matmul(o, u, transpose_b=True) - weights * itself)
    scaled = tf.concat(near, axis=-1)
    return _bent(scaled if rows.scale is None else scaled * rows.scale[..., 1:])


def _bent(near: tf.Tensor) -> tf.Tensor:
    return tf.math.log1p(kin.ALIKE * tf.nn.relu(near)) / 3.0


def _net(w: Weights, name: str, x: tf.Tensor, household: tf.Tensor) -> tf.Tensor:
    shared = tf.matmul(household, w[f"{name}_household"])[:, None, :]
    hidden = tf.nn.relu(tf.matmul(x, w[f"{name}_kernel"]) + shared + w[f"{name}_bias"])
    hidden = tf.nn.relu(tf.matmul(hidden, w[f"{name}_kernel_2"]) + w[f"{name}_bias_2"])
    return (tf.matmul(hidden, w[f"{name}_out"]) + tf.matmul(x, w[f"{name}_skip"]))[:, :, 0]
