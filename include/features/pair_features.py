"""What one household's past with one product says: float32 [pairs, F] as of a night."""

import numpy as np

from include.features.counters import Counters
from include.features.spec import HISTORY


def pair_features(
    pairs: Counters, chosen: np.ndarray, day: int, first_day: np.ndarray, usual: np.ndarray, visits: np.ndarray
) -> np.ndarray:
    """Features of the chosen pairs, in the order of spec.HISTORY.

    Args:
        pairs: counters of all pairs.
        chosen: int [n], pairs with a row on or before `day`.
        day: the night.
        first_day: int [n], first day of each chosen pair.
        usual: float64 [n], the product's usual cents a unit.
        visits: int [n], the household's days in the shop so far.
    """
    rows = pairs.last_row(day)
    last = rows[chosen]
    number = pairs.at("days_total", last)
    recency = (day - pairs.day[last]).astype(np.float64)
    gaps = np.maximum(number - 1, 1)
    mean = np.where(number > 1, (pairs.day[last] - first_day) / gaps, 0.0)
    variance = np.where(number > 1, pairs.at("gap_square_total", last) / gaps - mean**2, 0.0)
    spread = np.sqrt(np.maximum(variance, 0.0))
    paid, given = pairs.at("cents", last), pairs.at("discount_cents", last)
    values = {
        "recency": np.log1p(recency),
        "days_total": np.log1p(number),
        **{f"decay_{tau}": np.log1p(pairs.decayed(day, tau)[chosen]) for tau in (7, 28, 84, 140)},
        **{f"count_{days}": np.log1p(number - _earlier(pairs, chosen, day - days)) for days in (28, 84)},
        "gap_mean": np.log1p(mean),
        "gap_spread": np.log1p(spread),
        "overdue": np.where(number > 1, np.log1p(np.minimum(recency / np.maximum(mean, 1.0), 20.0)), 0.0),
        "due": np.where(number > 1, np.tanh((recency + 4.0 - mean) / (spread + 3.0)), 0.0),
        "units_per_day": np.log1p(pairs.at("units_total", last) / number),
        "age": np.log1p(day - first_day),
        "share_of_visits": number / np.maximum(visits, 1),
        "price_against_usual": price_ratio(paid / pairs.at("units", last), usual),
        "discount_share": given / (paid + given),
        "single": number == 1,
    }
    return np.stack([np.asarray(values[name], np.float32) for name in HISTORY], axis=1)


def _earlier(pairs: Counters, chosen: np.ndarray, day: int) -> np.ndarray:
    """Purchase days of the chosen pairs up to an earlier day."""
    return pairs.rows_until(day)[chosen]


def price_ratio(price: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """log(price / usual), both in cents a unit, within [-2, 2]; 0 where either is unknown."""
    known = (price > 0) & (usual > 0)
    ratio = np.log(np.where(known, price, 1.0) / np.where(known, usual, 1.0))
    return np.clip(ratio, -2.0, 2.0)
