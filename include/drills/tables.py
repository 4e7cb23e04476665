"""A model on the product tables of a much earlier night: a build that found yesterday's file, and the day before's."""

from typing import Any

import tensorflow as tf

from include.errors import Refused

KNOWN = 0.5
"""Share of the shop's products that the old tables know; indexes are given in the order of first days."""


def stale_vocabulary(good: Any) -> None:
    """Let it know only the products of the time when the shop had KNOWN of them. Later ones are nothing to it.

    Raises:
        Refused: the model has no such tables.
    """
    if not all(hasattr(good, name) for name in ("row_of", "hot")):
        raise Refused("The stable model has no product tables that could be of another night", "Promote a trained model first")
    row_of, hot = good.row_of.numpy(), good.hot.numpy()
    known = int((len(row_of) - 1) * KNOWN)
    newest = int(row_of[:known].max(initial=0))
    row_of[known:] = 0
    good.row_of.assign(row_of)
    good.hot.assign(tf.where(hot <= newest, hot, 0))
