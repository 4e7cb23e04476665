"""Do products sell as often as their scores say? What was answered on matured weeks, and what became of it."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
from scipy.special import expit

from include.evaluation.gate_weeks import GateWeek, in_batches
from include.models.build import serve
from include.models.model import Model

BINS = 10


@dataclass(frozen=True)
class Scored:
    """Scored products: score float64 [n], and whether they were bought in the week after, bool [n]."""

    score: np.ndarray
    bought: np.ndarray

    @classmethod
    def join(cls, parts: list[Self]) -> "Scored":
        return cls(
            np.concatenate([part.score for part in parts] or [np.zeros(0)]),
            np.concatenate([part.bought for part in parts] or [np.zeros(0, bool)]),
        )


def scored(model: Model, weeks: list[GateWeek], new: bool) -> Scored:
    """A model of a surface without queries, rebuilt on each gate night's products. `new`: asked for new products alone."""
    parts = []
    for week in weeks:
        place = {name.encode(): i for i, name in enumerate(week.products.ids)}
        relevant = week.relevant
        for chosen, out in in_batches(serve(model, week.products), week.examples, new):
            taken = out["product"] != b""
            hit = [place[name] in relevant[at] for at, row in zip(chosen, out["product"], strict=True) for name in row if name]
            parts.append(Scored(out["score"][taken].astype(float), np.array(hit, bool)))
    return Scored.join(parts)


def reliability(found: Scored) -> dict[str, Any]:
    """How far scores are from what happened, in as many equal parts by score as BINS.

    Returns:
        {answers, predicted, bought, error, bins: [{predicted, bought, answers}]}: means of sigmoid(score) and of purchases, and
        the expected calibration error: the mean distance of both within a part (Guo et al., On calibration of modern neural
        networks, 2017, section 2). Without answers: {answers: 0}.
    """
    if not len(found.score):
        return {"answers": 0}
    order = np.argsort(found.score, kind="stable")
    chance, bought = expit(found.score[order]), found.bought[order].astype(float)
    cuts = np.unique(np.linspace(0, len(order), BINS + 1).astype(int))
    parts = [(chance[a:b].mean(), bought[a:b].mean(), int(b - a)) for a, b in pairwise(cuts)]
    return {
        "answers": len(order),
        "predicted": round(float(chance.mean()), 5),
        "bought": round(float(bought.mean()), 5),
        "error": round(sum(n * abs(p - y) for p, y, n in parts) / len(order), 5),
        "bins": [{"predicted": round(float(p), 5), "bought": round(float(y), 5), "answers": n} for p, y, n in parts],
    }
