"""What scores of `two_stage` mean: its logits, the two numbers of include/training/calibrate.py, and a rival with many more.

Found on the first two validation weeks by a model that was fitted before them, and held against the third. `isotonic` puts
whatever rising steps fit best in the place of a straight line (Zadrozny and Elkan, Transforming classifier scores into accurate
multiclass probability estimates, 2002); steps make ties, so it could not be served without touching the order.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy.optimize import isotonic_regression
from scipy.special import logit

from benchmarks.models.ours import ours
from benchmarks.models.protocol import CUT_OFF, NEVER, TASKS, VALID, Fold, Scorer, fold, queries
from include.evaluation.baselines import top
from include.evaluation.reliability import Scored, reliability
from include.training.calibrate import platt

Made = Callable[[np.ndarray], np.ndarray]
SHOWN = 20
SURE = 1e-4
"""Steps at 0 and 1 would mean certainty."""


def chances() -> Iterator[dict[str, Any]]:
    """By task and by what was made of the logits: what `reliability` says, and the log loss."""
    cut = fold(CUT_OFF[VALID])
    scorer = ours(cut, "two_stage", plan=True)
    found = {task: [one[task] for one in (_shown(scorer, cut, week) for week in VALID)] for task in TASKS}
    for task, (*older, newest) in found.items():
        for name, made in MADE.items():
            now = Scored(made(Scored.join(older))(newest.score), newest.bought)
            loss = float(np.mean(np.logaddexp(0, now.score) - now.bought * now.score))
            yield {"task": task, "made": name, "log_loss": round(loss, 4), **reliability(now)}


def _shown(scorer: Scorer, cut: Fold, week: int) -> dict[str, Scored]:
    """The best products of every household that bought anything in the week."""
    households = queries(cut, week)
    scores = scorer(cut.purchases, week, households)
    assert isinstance(scores, dict)
    bought = cut.purchases.matrix(week + 1, last=1)[households].toarray() > 0
    return {task: _best(values, bought) for task, values in scores.items()}


def _best(scores: np.ndarray, bought: np.ndarray) -> Scored:
    """Of scores and purchases [n, V]."""
    best = top(scores, SHOWN)
    score, hit = np.take_along_axis(scores, best, 1), np.take_along_axis(bought, best, 1)
    return Scored(score[score > NEVER].astype(float), hit[score > NEVER])


def _as_it_is(found: Scored) -> Made:
    return lambda score: score


def _line(found: Scored) -> Made:
    slope, offset = platt(found)
    return lambda score: slope * score + offset


def _steps(found: Scored) -> Made:
    order = np.argsort(found.score, kind="stable")
    steps = isotonic_regression(found.bought[order].astype(float)).x
    return lambda score: logit(np.clip(np.interp(score, found.score[order], steps), SURE, 1 - SURE))


MADE: dict[str, Callable[[Scored], Made]] = {"logits": _as_it_is, "log-odds": _line, "isotonic": _steps}
