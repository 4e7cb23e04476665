"""A night against the eight weeks before it: rows, middle price and distributions, by weekday. Later nights never count."""

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from typing import Any

from include.quality.raw_profile import DISTRIBUTIONS

Profile = Mapping[str, Any]
WEEKS = 8
LEAST = 2
"""Earlier weeks without which nothing is compared."""
ENOUGH = 100
"""Rows of a night below which nothing is compared: small numbers jump."""
SMOOTH = 0.5
CHANCE = 3.0
"""Two samples of n and m from one distribution over B cells have an index of (B - 1)(1/n + 1/m) on average, times a
chi-square over its degrees of freedom (Yurdakul and Naranjo, Journal of Risk Model Validation 14(4), 2020). So much of it is
chance, and is taken off; lines of a basket go together, so n and m count baskets."""


def weeks_before(night: dt.date) -> list[dt.date]:
    """The same weekday in the weeks that a night is held against, newest first."""
    return [night - dt.timedelta(weeks=week) for week in range(1, WEEKS + 1)]


def compare(profile: Profile, past: Sequence[Profile], holiday: bool, closed: bool = False) -> dict[str, float | None]:
    """What differs from the past profiles; null where there is too little to compare, and on a day that the shop is closed.

    Rows and shifts of a night around a holiday are given under names of their own, because other bounds hold there.
    """
    known = [one for one in past if one["rows_on_time"]]
    usual = _middle([one["rows_on_time"] for one in known]) if len(known) >= LEAST and not closed else 0.0
    enough = usual >= ENOUGH
    prices = [one["cents_median"] for one in known if one["cents_median"]]
    same = enough and profile["rows_on_time"] >= ENOUGH
    priced = same and profile["cents_median"] and len(prices) >= LEAST
    found = {"rows_ratio": profile["rows_on_time"] / usual if enough else None}
    found |= {f"{name}_shift": _shift(profile, known, name) if same else None for name in DISTRIBUTIONS}
    special = {f"{name}_holiday": value if holiday else None for name, value in found.items()}
    ordinary = {name: None if holiday else value for name, value in found.items()}
    return ordinary | special | {"price_ratio": profile["cents_median"] / _middle(prices) if priced else None}


def _shift(profile: Profile, past: Sequence[Profile], name: str) -> float:
    before: dict[str, int] = {}
    for one in past:
        for cell, count in one["histograms"][name].items():
            before[cell] = before.get(cell, 0) + count
    now = profile["histograms"][name]
    draws = 1 / max(profile["baskets"], 1) + 1 / max(sum(one["baskets"] for one in past), 1)
    return max(0.0, stability(now, before) - CHANCE * (len({*now, *before}) - 1) * draws)


def stability(now: Mapping[str, int], before: Mapping[str, int]) -> float:
    """The population stability index of two histograms: sum over cells of (p - q) ln(p / q), p and q the cells' shares.

    Half a line is added to every cell, so that an empty one does not give infinity. Source: Siddiqi, Credit Risk Scorecards,
    2006, who calls a change above 0.25 large.
    """
    cells = {*now, *before}
    p, q = ({cell: table.get(cell, 0) + SMOOTH for cell in cells} for table in (now, before))
    n, m = sum(p.values()), sum(q.values())
    return sum((p[cell] / n - q[cell] / m) * math.log(p[cell] / n * m / q[cell]) for cell in cells)


def _middle(values: Sequence[float]) -> float:
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
