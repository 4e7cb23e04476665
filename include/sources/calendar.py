"""Business days: which local day holds a moment. The zone's clock changes move the boundary within UTC."""

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np

EPOCH = dt.date(1970, 1, 1)


def midnights(zone: str, first: dt.date, last: dt.date) -> np.ndarray:
    """int64 [days + 1]: UTC microseconds at which each local day from first to last begins, and the last one ends."""
    info = ZoneInfo(zone)
    days = [first + dt.timedelta(days=i) for i in range((last - first).days + 2)]
    starts = [dt.datetime(day.year, day.month, day.day, tzinfo=info).timestamp() for day in days]
    return np.array([round(start) * 1_000_000 for start in starts], dtype=np.int64)


def business_days(at: np.ndarray, zone: str) -> np.ndarray:
    """int32 [N]: days since 1970-01-01 in the zone, of UTC microseconds int64 [N]."""
    if not at.size:
        return np.zeros(0, dtype=np.int32)
    low, high = (EPOCH + dt.timedelta(microseconds=int(edge)) for edge in (at.min(), at.max()))
    first = low - dt.timedelta(days=1)
    starts = midnights(zone, first, high + dt.timedelta(days=1))
    return (np.searchsorted(starts, at, side="right") - 1 + (first - EPOCH).days).astype(np.int32)
