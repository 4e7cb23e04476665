"""The calendar by rule, against dates that anybody can look up."""

import datetime as dt

import pytest

from include.errors import Refused
from include.features.holidays import FACTS, RULES, ZONES, country_of, easter, facts, holidays
from include.features.reading import country
from include.features.spec import SPEC, FeatureSpec
from include.recipes.columns import HOUSEHOLD, Columns
from include.settings import Settings, SourceSpec

EASTER = {2000: (4, 23), 2008: (3, 23), 2016: (3, 27), 2017: (4, 16), 2019: (4, 21), 2024: (3, 31), 2038: (4, 25)}
FEDERAL_2017 = {(1, 1), (1, 16), (2, 20), (4, 16), (5, 29), (7, 4), (9, 4), (10, 9), (11, 11), (11, 23), (12, 25)}


@pytest.mark.parametrize(("year", "day"), EASTER.items())
def test_easter_is_where_the_church_puts_it(year: int, day: tuple[int, int]) -> None:
    assert easter(year) == dt.date(year, *day)


def test_the_holidays_of_a_year_and_country() -> None:
    assert {(day.month, day.day) for day in holidays(2017, "US")} == FEDERAL_2017
    assert dt.date(2021, 5, 31) in holidays(2021, "GB") and dt.date(2021, 5, 24) in holidays(2021, "DE")
    assert all(len(holidays(year, code)) >= 8 for code in RULES for year in (2016, 2020, 2025))
    assert holidays(2017, "XX") == frozenset() == holidays(2017, "")


def test_a_night_tells_of_the_week_after_it() -> None:
    eve = facts(dt.date(2017, 11, 22), "US")
    assert list(eve) == list(FACTS)
    assert (eve["holidays_ahead"], eve["holiday_soon"], eve["month_start"]) == (1, 1, 0)
    day = facts(dt.date(2017, 11, 23), "US")
    assert (day["holidays_ahead"], day["holiday_past"]) == (0, 1)
    assert 0 < facts(dt.date(2017, 12, 1), "US")["holiday_soon"] < facts(dt.date(2017, 12, 2), "US")["holiday_soon"] < 1
    assert facts(dt.date(2017, 12, 31), "US")["holidays_ahead"] == 1, "New Year's Day is one of the next year"
    nowhere = facts(dt.date(2017, 11, 22), "")
    assert nowhere["holidays_ahead"] == nowhere["holiday_soon"] == nowhere["holiday_past"] == 0
    assert nowhere["week_sine"] ** 2 + nowhere["week_cosine"] ** 2 == pytest.approx(1)


def test_the_country_is_that_of_the_sources_zone_or_as_the_source_is_told() -> None:
    spec = FeatureSpec(columns=Columns(household=(*HOUSEHOLD, "holidays_ahead")))
    assert country(spec, SourceSpec()) == "US" and country(spec, SourceSpec(country="DE")) == "DE"
    assert country(SPEC, SourceSpec(name="nowhere")) == "", "nobody asks for holidays"
    assert country_of("Asia/Tokyo") == country_of("UTC") == country_of("") == ""
    assert set(ZONES.values()) <= set(RULES)


@pytest.mark.parametrize("code", ["us", "USA", "U", "1A"])
def test_a_country_that_is_no_code_is_refused(code: str) -> None:
    with pytest.raises(Refused, match="country"):
        Settings.load({"NIGHTFILL_SOURCE": f'{{"country": "{code}"}}'})
