"""Every midnight of a year, on several clocks: the last moment before it and the first after it lie on the right days."""

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from include.nights import span
from include.settings import SourceSpec
from include.sources.calendar import EPOCH, business_days, midnights
from include.sources.complete_journey import ZONE, CompleteJourney
from tests.sources.own_shop import HEADER, MAPPING, shop, write
from tests.sources.panel import line, write_panel

ZONES = [
    *((ZONE, 2017), ("Europe/Berlin", 2024), ("Australia/Sydney", 2024), ("America/Santiago", 2024), ("Asia/Tokyo", 2024)),
    *(("Asia/Kolkata", 2024), ("UTC", 2024), ("America/Havana", 2024), ("America/Sao_Paulo", 2018), ("Asia/Beirut", 2024)),
]
"""North and south, without daylight saving, half an hour off, and some whose clocks change at midnight itself."""
SECOND = dt.timedelta(seconds=1)


def edges(zone: str, year: int) -> list[tuple[dt.datetime, dt.date]]:
    """Around each midnight of a year, found by halving: (moment in UTC, the day that a wall clock shows)."""
    info, found = ZoneInfo(zone), []
    for day in span(dt.date(year, 1, 2), dt.date(year, 12, 31)):
        low = dt.datetime.combine(day, dt.time(0), dt.UTC) - dt.timedelta(hours=20)
        high = low + dt.timedelta(hours=40)
        while high - low > SECOND:
            middle = low + dt.timedelta(seconds=(high - low) // SECOND // 2)
            low, high = (low, middle) if middle.astimezone(info).date() >= day else (middle, high)
        found += [(low, low.astimezone(info).date()), (high, high.astimezone(info).date())]
        assert found[-1][1] == day
    return found


@pytest.mark.parametrize(("zone", "year"), ZONES)
def test_both_sides_of_every_midnight_lie_on_their_days(zone, year):
    moments, days = zip(*edges(zone, year), strict=True)
    at = np.array([round(moment.timestamp() * 1_000_000) for moment in moments])
    assert [EPOCH + dt.timedelta(days=int(number)) for number in business_days(at, zone)] == list(days)


@pytest.mark.parametrize(("zone", "year"), ZONES)
def test_a_year_has_no_gap_and_no_day_of_another_length_but_where_the_clock_changes(zone, year):
    starts = midnights(zone, dt.date(year, 1, 1), dt.date(year, 12, 31))
    hours = np.diff(starts) / 3_600_000_000
    usual = zone in ("UTC", "Asia/Tokyo", "Asia/Kolkata")
    assert set(hours.tolist()) == ({24.0} if usual else {23.0, 24.0, 25.0})
    assert (hours != 24).sum() == (0 if usual else 2)


def test_the_panel_gives_every_moment_of_its_year_to_its_day(tmp_path: Path):
    wanted = edges(ZONE, 2017)
    lines = [line(number, 10, moment.replace(tzinfo=None).isoformat()) for number, (moment, _) in enumerate(wanted)]
    source = CompleteJourney(SourceSpec(folder=str(write_panel(tmp_path, lines))))
    events = source.read_events(dt.date(2017, 1, 1), dt.date(2017, 12, 31))
    assert dict(zip(events["household"].to_pylist(), events["day"].to_pylist(), strict=True)) == {
        str(number): day for number, (_, day) in enumerate(wanted)
    }
    assert events["known"].equals(events["day"])


@pytest.mark.parametrize(("zone", "year"), ZONES)
def test_a_shop_gives_every_moment_of_its_year_to_its_day(tmp_path: Path, zone, year):
    wanted = edges(zone, year)
    lines = [f"{number},anna,A1,MUG,1,{moment.isoformat()},1" for number, (moment, _) in enumerate(wanted)]
    source = shop(write(tmp_path, "\n".join([HEADER, *lines]) + "\n", MAPPING.replace("Europe/London", zone)))
    events = source.read_events(dt.date(year, 1, 1), dt.date(year, 12, 31))
    assert dict(zip(events["basket"].to_pylist(), events["day"].to_pylist(), strict=True)) == {
        str(number): day for number, (_, day) in enumerate(wanted)
    }
