"""The seam of the rankers over own history and hot products: a formula makes logits of what is asked, all else is shared.

A formula is a module with two functions:

    shapes(recipe, vocabulary, width) -> shape of every weight, the three embeddings among them
    logits(w, asked)                  -> [B, H] of the slots and [B, N] of the hot products

Shapes: B households, H history slots, N hot products, F features of a slot, P of a product, G of a household, D of embedding.
"""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

import tensorflow as tf

from include.models import candidates, scoring
from include.models.scoring import Embedded, Products, Scores, Weights
from include.models.vocabulary import Vocabulary
from include.recipes.recipe import Recipe

Shapes = dict[str, tuple[int, ...]]


class Asked(NamedTuple):
    """A batch as a formula reads it; features are standardised, `present` is 0 in empty slots.

    history int32 [B, H] rows, hot int32 [N] rows, f [B, H, F], x [B, H, P], x_hot [N, P], g [B, G], present [B, H],
    kept and new: the embedded rows [B, H, 2 D] and [N, 2 D], In and Out side by side.
    """

    history: tf.Tensor
    hot: tf.Tensor
    f: tf.Tensor
    x: tf.Tensor
    x_hot: tf.Tensor
    g: tf.Tensor
    present: tf.Tensor
    kept: Embedded
    new: Embedded


class Formula(Protocol):
    """A module of include/models that makes logits."""

    def shapes(self, recipe: Recipe, vocabulary: Vocabulary, width: Mapping[str, int]) -> Shapes:
        """Shape of every weight; `width` has the number of features by side."""

    def logits(self, w: Weights, asked: Asked) -> tuple[tf.Tensor, tf.Tensor]:
        """[B, H] and [B, N]."""


def read(
    w: Weights, products: Products, history_product: tf.Tensor, history_features: tf.Tensor, household_features: tf.Tensor
) -> Asked:
    """What the served signature asks, gathered from a night's product side."""
    history = candidates.rows(products.row_of, history_product)
    return Asked(
        history=history,
        hot=products.hot,
        f=scoring.standardise(w, "history", history_features),
        x=tf.gather(products.features, history),
        x_hot=tf.gather(products.features, products.hot),
        g=scoring.standardise(w, "household", household_features),
        present=tf.cast(history > 0, tf.float32),
        kept=products.embed(history),
        new=products.embed(products.hot),
    )


def scores(
    formula: Formula,
    w: Weights,
    products: Products,
    history_product: tf.Tensor,
    history_features: tf.Tensor,
    household_features: tf.Tensor,
    exclude_bought: tf.Tensor,
) -> Scores:
    """Logits of all candidates of a batch, with the masks of what may be answered."""
    asked = read(w, products, history_product, history_features, household_features)
    history_logit, hot_logit = formula.logits(w, asked)
    seen = candidates.in_history(products.hot_place, asked.history, asked.hot)
    history_open, hot_open = candidates.mask(asked.history, asked.hot, seen, exclude_bought)
    return Scores(asked.history, history_logit, history_open, hot_logit, hot_open)


def embeddings(vocabulary: Vocabulary, width: int) -> Shapes:
    """In and Out of products, types and categories, `width` each; row 0 is unknown."""
    sizes = {"product": vocabulary.products, "type": vocabulary.types, "category": vocabulary.categories}
    return {f"{name}_embedding": (len(names) + 1, 2 * width) for name, names in sizes.items()}


def habit(width: Mapping[str, int]) -> Shapes:
    """Weights of `with_habit`."""
    return {
        "history_skip": (width["history"] + width["product"], 1),
        "hot_skip": (width["product"], 1),
        "hot_offset": (1,),
    }


def with_habit(w: Weights, asked: Asked, user: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """A taste's scores, and what no taste can see, by linear terms:

        score(s) = u . Out[p_s] + [f_s, x_p] . a          score(n) = u . Out[n] + x_n . b + c

    Args:
        user: u float32 [B, D].
    """
    slots = tf.concat([asked.f, asked.x], axis=-1)
    own = scoring.affinity(user[:, None, :], asked.kept) + tf.matmul(slots, w["history_skip"])[:, :, 0]
    new = scoring.hot_affinity(user, asked.new) + tf.matmul(asked.x_hot, w["hot_skip"])[None, :, 0] + w["hot_offset"]
    return own, new


def inner(rows: Embedded) -> tf.Tensor:
    """In of embedded rows, widened: float32 [..., D]."""
    values = rows.values[..., : rows.values.shape[-1] // 2]
    return values if rows.scale is None else values * rows.scale[..., :1]


def outer(rows: Embedded) -> tf.Tensor:
    """Out of embedded rows, widened: float32 [..., D]."""
    values = rows.values[..., rows.values.shape[-1] // 2 :]
    return values if rows.scale is None else values * rows.scale[..., 1:]


def recent(asked: Asked, length: int) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The first slots, which are the most recent products: In [B, L, D], f [B, L, F], present [B, L, 1]; else 0."""
    room = [[0, 0], [0, length], [0, 0]]
    present = tf.pad(asked.present[:, :length, None], room)[:, :length]
    rows = Embedded(asked.kept.values[:, :length], None if asked.kept.scale is None else asked.kept.scale[:, :length])
    values, features = (tf.pad(part, room)[:, :length] for part in (inner(rows), asked.f[:, :length]))
    shape = [None, length, None]
    parts = [tf.ensure_shape(part, shape) for part in (values * present, features * present, present)]
    return parts[0], parts[1], parts[2]
