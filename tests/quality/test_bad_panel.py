"""A source that keeps lines with nulls: the night is set aside, by the share of all its lines or of one store's."""

import datetime as dt
from pathlib import Path

import pytest

from include.jobs.land_events import LandEvents
from include.jobs.validate_raw import ValidateRaw
from include.settings import SourceSpec
from include.store.objects import open_store
from include.store.quarantine import quarantined
from tests.sources.panel import line, write_panel

NIGHT = dt.date(2017, 5, 11)
DAYS = [NIGHT - dt.timedelta(weeks=week) for week in range(3, -1, -1)]


def lines(day: dt.date, null: str = "", where: range = range(0)) -> list[dict]:
    """600 lines of 120 households in three stores; a null in one column of some of them."""
    found = []
    for i in range(600):
        one = line(i // 5, (10, 11)[i % 2] + 100 * (i % 5), f"{day}T{13 + i // 5 % 8}:00:00")
        one |= {"store_id": 500 + (i // 5 % 20 == 0) + (i // 5 % 2) * 2}
        found.append(one | ({null: None} if null and i in where else {}))
    return found


def night(root: Path, null: str, where: range) -> dict:
    write_panel(root / "files", [one for day in DAYS[:-1] for one in lines(day)] + lines(NIGHT, null, where))
    fields = {"store": str(root / "store"), "work": root / "work", "source": SourceSpec(folder=str(root / "files"))}
    for day in DAYS:
        LandEvents(**fields, first=str(day)).run()
        told = ValidateRaw(**fields, first=str(day)).run()
    return told


@pytest.mark.parametrize(
    ("null", "where", "sentence"),
    [
        ("household_id", range(0, 600, 20), "30 rows on 2017-05-11: no household (more than 1% of the night)"),
        (
            "quantity",
            range(5),
            "without a value within one store or department (more than 10% of it) (seen: 0.167, store 501)",
        ),
    ],
    ids=["5 % of all", "of one store only"],
)
def test_nulls_set_the_night_aside(tmp_path, null, where, sentence):
    night(tmp_path, null, where)
    assert sentence in " ".join(quarantined(open_store(str(tmp_path / "store")))[NIGHT])
