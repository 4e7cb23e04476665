"""Landing as its own process: bad input ends with a sentence and an exit code, and loses nothing."""

import datetime as dt
import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from include.settings import ROOT
from include.store.objects import open_store
from include.store.partitions import list_nights, read_manifest
from tests.sources.panel import FIRST, LINES, write_panel

pytestmark = pytest.mark.slow

LAST = dt.date(2017, 3, 16)


def land(tmp_path: Path, first: str = str(FIRST), last: str = str(LAST), limit: int = 0) -> dict:
    """Run the job; returns its report."""
    spec, report = tmp_path / "spec.json", tmp_path / "report.json"
    source = {"folder": str(tmp_path / "panel")}
    fields = {"store": str(tmp_path / "store"), "source": source, "first": first, "last": last, "work": str(tmp_path / "work")}
    spec.write_text(json.dumps(fields))
    command = [sys.executable, "-m", "include.jobs.land_events", "--spec", str(spec), "--report", str(report)]
    small = (lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))) if limit else None
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, preexec_fn=small, check=False)
    return json.loads(report.read_text()) | {"exit": done.returncode}


@pytest.fixture
def panel(tmp_path):
    write_panel(tmp_path / "panel")
    return tmp_path


def test_every_night_lands_and_a_second_time_changes_nothing(panel):
    first = land(panel)
    assert first["exit"] == 0
    extras = {"households": 1, "campaigns": 2, "coupons": 2, "redemptions": 1, "placements": 2}
    assert first["result"]["landed"] == {"events": 7, "products": 1, "promotions": 2, **extras}
    assert first["result"]["rows"]["events"] == len(LINES)
    again = land(panel)
    assert again["result"]["landed"] == {}
    assert again["result"]["unchanged"] == {"events": 7, "products": 1, "promotions": 1, **extras, "placements": 1}


def test_a_longer_source_file_leaves_the_bytes_of_old_nights_alone(panel):
    land(panel, last="2017-03-12")
    store = open_store(str(panel / "store"))
    before = read_manifest(store, "events", FIRST).files
    write_panel(panel / "panel", [*LINES, LINES[-1] | {"basket_id": 4}])
    assert land(panel, last="2017-03-12")["result"]["landed"] == {"events": 3}
    assert read_manifest(store, "events", FIRST).files == before


@pytest.mark.parametrize(
    ("first", "last", "sentence"),
    [
        ("2031-01-01", "2031-01-01", "outside the data, which runs from 2017-03-10 to 2017-03-16"),
        ("2017-03-09", "2017-03-12", "Night 2017-03-09 is outside the data"),
        ("2017-3-10", "2017-03-12", "'2017-3-10' is not a date"),
        ("10 March", "2017-03-12", "'10 March' is not a date"),
        ("2017-03-12", "2017-03-11", "The range ends on 2017-03-11, before it begins"),
    ],
)
def test_a_bad_night_is_refused_with_a_sentence(panel, first, last, sentence):
    report = land(panel, first, last)
    assert report["exit"] == 65
    assert sentence in report["error"]["what"]
    assert not (panel / "store").exists()


def test_a_missing_source_file_is_refused(panel):
    (panel / "panel" / "transactions.parquet").unlink()
    report = land(panel)
    assert report["exit"] == 65 and "transactions.parquet is missing" in report["error"]["what"]


def test_lines_without_a_time_are_refused(panel):
    write_panel(panel / "panel", [*LINES, LINES[0] | {"transaction_timestamp": None, "basket_id": 5}])
    report = land(panel)
    assert report["exit"] == 65 and "1 of 8 lines have no time" in report["error"]["what"]


def test_a_disk_that_fills_half_way_shows_nothing_half_done_and_goes_on_later(panel):
    report = land(panel, limit=1200)
    assert report["exit"] == 75
    assert "Could not write" in report["error"]["what"] and "Free some disk space" in report["error"]["todo"]
    assert list_nights(open_store(str(panel / "store")), "events") == []
    assert land(panel)["result"]["landed"]["events"] == 7
