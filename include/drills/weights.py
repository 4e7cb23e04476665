"""A model whose weights are those of a ranking upside down: a sign lost in the loss, or a sort in the wrong direction."""

from typing import Any

import tensorflow as tf

from include.errors import Refused

OUTER = ("_out", "_skip", "_offset")
"""How the weights of a ranker's last layers are called (include/models/pair_ranker.py)."""


def bad_ranking(good: Any) -> None:
    """Turn the sign of everything that adds to a score: what was last of the candidates comes first.

    Raises:
        Refused: the model has no such weights; popularity cannot be spoilt like this.
    """
    weights: dict[str, tf.Variable] = dict(getattr(good, "weights", {}))
    last = [value for name, value in weights.items() if name.endswith(OUTER)]
    if not last or "embedding" not in weights:
        raise Refused("The stable model has no last layer whose sign could be turned", "Promote a trained model first")
    for value in last:
        value.assign(-value)
    table = weights["embedding"]
    half = table.shape[1] // 2
    table.assign(tf.concat([table[:, :half], -table[:, half:]], axis=1))
