"""Find the two numbers that turn a ranker's logits into log-odds, from weeks that it was not trained on.

    minimise  - sum of t log sigmoid(slope * logit + offset) + (1 - t) log sigmoid(-slope * logit - offset)
    t = (bought + 1) / (bought + 2) for what was bought, and 1 / (missed + 2) for what was not

over what the model answers on the gate weeks: the targets are Platt's, short of 1 and 0, so that a few answers which all were
bought do not mean certainty (Probabilistic outputs for support vector machines, 1999, section 2.2). The newest gate week is
left out, to see on it how well the others told.
"""

from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from include.evaluation.gate_weeks import GateWeek
from include.evaluation.reliability import Scored, reliability, scored
from include.models.calibration import NAME
from include.models.model import Model

LEAST = 0.01
"""Of the slope: a model whose better scores sell less keeps its order, and its scores say that they mean little."""
WAYS = {"all": False, "new": True}


def calibrate(model: Model, weeks: list[GateWeek]) -> tuple[Model, dict[str, Any]]:
    """The model with log-odds for scores, and of each way of asking the slope, the offset and `reliability` on the newest week.

    A surface with queries stays as it is: its questions are made of purchases, so their answers sell better than a shopper's
    would. So does a model without anybody to ask it, and one with a score that is no number: the gates refuse that by name.
    """
    if model.recipe.query or not weeks:
        return model, {}
    *older, newest = weeks
    told = {way: scored(model, older or [newest], new) for way, new in WAYS.items()}
    if not all(len(one.score) and np.isfinite(one.score).all() for one in told.values()):
        return model, {}
    fitted = {way: platt(one) for way, one in told.items()}
    arrays = dict(model.arrays) | {NAME: np.array(list(fitted.values()), np.float32)}
    found = model.with_arrays(arrays, model.precision)
    return found, {
        way: {
            "slope": round(fitted[way][0], 5),
            "offset": round(fitted[way][1], 5),
            **(reliability(scored(found, [newest], new)) if older else {}),
        }
        for way, new in WAYS.items()
    }


def platt(found: Scored) -> tuple[float, float]:
    """Slope, at least LEAST, and offset."""
    logit, bought = found.score, found.bought
    target = np.where(bought, (bought.sum() + 1) / (bought.sum() + 2), 1 / ((~bought).sum() + 2))

    def loss(at: np.ndarray) -> tuple[float, np.ndarray]:
        odds = at[0] * logit + at[1]
        wrong = expit(odds) - target
        return float(np.mean(np.logaddexp(0, odds) - target * odds)), np.array([np.mean(wrong * logit), np.mean(wrong)])

    best = minimize(loss, [1.0, 0.0], jac=True, method="L-BFGS-B", bounds=[(LEAST, None), (None, None)])
    return float(best.x[0]), float(best.x[1])
