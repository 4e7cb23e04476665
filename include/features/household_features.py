"""What a household's visits say as of a night: float32 [households, G]."""

import numpy as np

from include.features.counters import Counters
from include.features.spec import HOUSEHOLD


def household_features(visits: Counters, chosen: np.ndarray, day: int) -> np.ndarray:
    """Features of the chosen households, in the order of spec.HOUSEHOLD; zeros for one without a visit so far."""
    now = visits.last_row(day)[chosen]
    recent = {days: visits.last_row(day - days)[chosen] for days in (28, 84)}

    def window(name: str, days: int) -> np.ndarray:
        return visits.at(name, now) - visits.at(name, recent[days])

    trips, products = np.maximum(window("days_total", 84), 1), window("products_total", 84)
    values = {
        "recency": np.log1p(np.where(now >= 0, day - visits.day[np.maximum(now, 0)], 0)),
        "visits_28": np.log1p(window("days_total", 28)),
        "visits_84": np.log1p(window("days_total", 84)),
        "days_total": np.log1p(visits.at("days_total", now)),
        "products_per_visit_84": np.log1p(products / trips),
        "new_share_84": window("new_products_total", 84) / np.maximum(products, 1),
        "cents_per_visit_84": np.log1p(window("cents_total", 84) / trips / 100.0),
        "products_known": np.log1p(visits.at("new_products_total", now)),
    }
    table = np.stack([np.asarray(values[name], np.float32) for name in HOUSEHOLD], axis=1)
    return np.where((now >= 0)[:, None], table, np.float32(0.0))
