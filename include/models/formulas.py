"""Which formula a recipe's model goes by: those that rank own history and hot products, by name."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import cast

from include.models import asked, cross_network, gru, matrix_factors, scoring, transformer, two_tower
from include.models.asked import Formula
from include.models.scoring import Scores

SMALL: Mapping[str, Formula] = {
    module.__name__.rpartition(".")[2]: cast(Formula, module)
    for module in (matrix_factors, two_tower, cross_network, gru, transformer)
}
"""Formulas that make logits and leave all else to `asked.scores`."""
Score = Callable[..., Scores]


def score_of(model: str) -> Score:
    """(weights, product side, *inputs of the signature) -> Scores."""
    return partial(asked.scores, SMALL[model]) if model in SMALL else scoring.score
