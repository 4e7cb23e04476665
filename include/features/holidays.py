"""Public holidays by rule, and what a night says of the calendar: no data, no package, the same answer for ever.

A country is its ISO code; one without rules has no holidays. Rules are of the days on which shops close or sell otherwise
than on others; days that the state moves by hand are left out. Easter: Meeus, Astronomical Algorithms, 1991, chapter 8.
"""

import datetime as dt
import math
from collections.abc import Mapping
from functools import lru_cache

Rule = tuple[str, int, int, int]
"""("fixed", month, day, 0), ("nth", month, weekday from Monday = 0, n; -1 is the last), ("easter", days after, 0, 0)."""

_EUROPE: tuple[Rule, ...] = (
    *(("fixed", 1, 1, 0), ("easter", -2, 0, 0), ("easter", 0, 0, 0), ("easter", 1, 0, 0)),
    *(("fixed", 12, 25, 0), ("fixed", 12, 26, 0)),
)
_AMERICA: tuple[Rule, ...] = (("fixed", 1, 1, 0), ("easter", 0, 0, 0), ("nth", 9, 0, 1), ("fixed", 12, 25, 0))
RULES: Mapping[str, tuple[Rule, ...]] = {
    "US": (
        *_AMERICA,
        *(("nth", 1, 0, 3), ("nth", 2, 0, 3), ("nth", 5, 0, -1), ("fixed", 7, 4, 0), ("nth", 10, 0, 2)),
        *(("fixed", 11, 11, 0), ("nth", 11, 3, 4)),
    ),
    "CA": (*_AMERICA, ("easter", -2, 0, 0), ("fixed", 7, 1, 0), ("nth", 10, 0, 2), ("fixed", 12, 26, 0)),
    "GB": (*_EUROPE, ("nth", 5, 0, 1), ("nth", 5, 0, -1), ("nth", 8, 0, -1)),
    "DE": (*_EUROPE, ("fixed", 5, 1, 0), ("easter", 39, 0, 0), ("easter", 49, 0, 0), ("easter", 50, 0, 0), ("fixed", 10, 3, 0)),
    "AT": (
        *_EUROPE,
        *(("fixed", 1, 6, 0), ("fixed", 5, 1, 0), ("easter", 39, 0, 0), ("easter", 49, 0, 0), ("easter", 50, 0, 0)),
        *(("easter", 60, 0, 0), ("fixed", 8, 15, 0), ("fixed", 10, 26, 0), ("fixed", 11, 1, 0), ("fixed", 12, 8, 0)),
    ),
    "FR": (
        *(("fixed", 1, 1, 0), ("easter", 0, 0, 0), ("easter", 1, 0, 0), ("fixed", 5, 1, 0), ("fixed", 5, 8, 0)),
        *(("easter", 39, 0, 0), ("easter", 50, 0, 0), ("fixed", 7, 14, 0), ("fixed", 8, 15, 0), ("fixed", 11, 1, 0)),
        *(("fixed", 11, 11, 0), ("fixed", 12, 25, 0)),
    ),
}
ZONES = {
    **dict.fromkeys(("New_York", "Chicago", "Denver", "Phoenix", "Los_Angeles", "Anchorage", "Detroit", "Boise"), "US"),
    **dict.fromkeys(("Honolulu",), "US"),
    **dict.fromkeys(("Toronto", "Vancouver", "Winnipeg", "Halifax", "Edmonton", "Regina", "St_Johns"), "CA"),
    **dict.fromkeys(("London", "Belfast"), "GB"),
    **dict.fromkeys(("Berlin", "Busingen"), "DE"),
    "Vienna": "AT",
    "Paris": "FR",
}
"""Country by the city of a time zone."""

AHEAD = 7
FACTS = ("holidays_ahead", "holiday_soon", "holiday_past", "week_sine", "week_cosine", "month_start")


def country_of(zone: str) -> str:
    """The country of a time zone, "" where no rules are known."""
    return ZONES.get(zone.rpartition("/")[2], "")


def facts(night: dt.date, country: str) -> dict[str, float]:
    """FACTS of a night: holidays within the 7 days after it; nearness of the next and of the last one (1 on the day after
    the night or on the night, falling to 0 in 28 days); sine and cosine of the place in the year of the week after it;
    whether a month begins within these 7 days."""
    week = [night + dt.timedelta(days=i + 1) for i in range(AHEAD)]
    near = [day for year in (night.year - 1, night.year, night.year + 1) for day in holidays(year, country)]
    ahead = min(((day - night).days for day in near if day > night), default=99)
    past = min(((night - day).days for day in near if day <= night), default=99)
    turn = 2 * math.pi * week[3].timetuple().tm_yday / 365.25
    values = (
        float(sum(day in near for day in week)),
        max(0.0, 1.0 - (ahead - 1) / 28),
        max(0.0, 1.0 - past / 28),
        math.sin(turn),
        math.cos(turn),
        float(any(day.day == 1 for day in week)),
    )
    return dict(zip(FACTS, values, strict=True))


@lru_cache(64)
def holidays(year: int, country: str) -> frozenset[dt.date]:
    """The public holidays of a year."""
    return frozenset(_day(rule, year) for rule in RULES.get(country, ()))


def _day(rule: Rule, year: int) -> dt.date:
    how, a, b, n = rule
    if how == "easter":
        return easter(year) + dt.timedelta(days=a)
    if how == "fixed":
        return dt.date(year, a, b)
    first = dt.date(year, a, 1)
    days = [day for i in range(31) if (day := first + dt.timedelta(days=i)).month == a and day.weekday() == b]
    return days[n - 1] if n > 0 else days[n]


def easter(year: int) -> dt.date:
    """Easter Sunday of the Gregorian calendar."""
    a, b, c = year % 19, year // 100, year % 100
    d = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    e = (32 + 2 * (b % 4) + 2 * (c // 4) - d - c % 4) % 7
    f = d + e - 7 * ((a + 11 * d + 22 * e) // 451) + 114
    return dt.date(year, f // 31, f % 31 + 1)
