"""Has the shelf got worse? Two questions, each with an interval; too little evidence raises nothing and says so.

1. Does the serving model rank worse than plain popularity?
2. Has its lead over habit (recency) fallen since its earlier nights? Habit is subtracted household by household first, so
   that a week in which nobody can be predicted is not held against the model.
"""

from math import sqrt
from typing import Any

import numpy as np

from include.evaluation.measures import MIN_HOUSEHOLDS, Judged
from include.words import counted

TOLERATED_FALL = 0.02
"""Share of the model's earlier NDCG@10 that its lead over habit may fall by."""
Z = 2.576
"""99 % two-sided: the question is asked every night."""


def alarm(judged: Judged, serving: dict[str, Any] | None) -> dict[str, Any]:
    """{"alarm": bool, "reason": str}"""
    if serving is None:
        return _calm("No stable answer has matured yet, so nothing can be said")
    rows = judged.rows(serving["model"])
    said = [_against_popularity(judged, rows), _against_itself(judged, rows)]
    raised = [reason for bad, reason in said if bad]
    if raised:
        return {"alarm": True, "reason": "; ".join(raised)}
    return _calm("; ".join(reason for _, reason in said))


def _against_popularity(judged: Judged, rows: np.ndarray) -> tuple[bool, str]:
    found = judged.difference(rows, "popularity")
    answers = found["answers"] if found else 0
    if not found or answers < MIN_HOUSEHOLDS:
        return False, f"{counted(answers, 'answer')} beside popularity, {MIN_HOUSEHOLDS} are needed to judge"
    text = f"NDCG@10 {found['value']:+.4f} against popularity (95 % interval {found['low']:+.4f} to {found['high']:+.4f})"
    return (True, f"The serving model is worse than popularity: {text}") if found["high"] < 0 else (False, text)


def _against_itself(judged: Judged, rows: np.ndarray) -> tuple[bool, str]:
    mine, theirs = judged.pairs(rows, "recency")
    nights = sorted(set(judged.night[mine].tolist()))
    if len(nights) < 2:
        return False, "there is no earlier night to compare with"
    lead = judged.values["ndcg@10"][mine] - judged.values["ndcg@10"][theirs]
    latest = judged.night[mine] == nights[-1]
    new, old = lead[latest], lead[~latest]
    if min(len(new), len(old)) < MIN_HOUSEHOLDS:
        return False, f"{counted(min(len(new), len(old)), 'answer')} to compare nights by, {MIN_HOUSEHOLDS} are needed"
    fall = float(old.mean() - new.mean())
    half = Z * sqrt(new.var(ddof=1) / len(new) + old.var(ddof=1) / len(old))
    tolerated = TOLERATED_FALL * float(judged.values["ndcg@10"][mine][~latest].mean())
    interval = f"99 % interval {-fall - half:+.4f} to {-fall + half:+.4f}"
    text = f"its lead over habit changed by {-fall:+.4f} on {nights[-1]} ({interval})"
    return fall - half > tolerated, text


def _calm(reason: str) -> dict[str, Any]:
    return {"alarm": False, "reason": reason}
