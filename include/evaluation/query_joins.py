"""The rivals of a surface that is asked with a query: what they would have answered to the same questions."""

import datetime as dt
from collections.abc import Iterable, Sequence

import numpy as np

from include.evaluation.joins import PLACES, reference
from include.evaluation.purchases import Purchases
from include.evaluation.within_type import RIVALS, WithinType
from include.serving.answer_log import Answer


def rival_answers(
    night: dt.date,
    answers: Iterable[Answer],
    purchases: Purchases,
    names: Sequence[str],
    ids: Sequence[str],
    universe: np.ndarray,
    plain: np.ndarray,
) -> list[Answer]:
    """As `joins.rival_answers`: popularity and habit within the type that each question means.

    Args:
        plain: the words of each product's type [V].
    """
    allowed = np.asarray(ids, object)[universe]
    rivals = WithinType(purchases.within(universe), 1, plain[universe])
    number = {name: i for i, name in enumerate(names)}
    questions = sorted({(answer.household, answer.query, answer.meant) for answer in answers if answer.meant})
    asked = [(number.get(household, -1), meant) for household, _, meant in questions]
    found = []
    for model in RIVALS:
        for (household, query, meant), row in zip(questions, rivals.answers(model, asked, PLACES), strict=True):
            found.append(reference(night, household, model, allowed[row[row >= 0]].tolist(), query, meant))
    return found
