import datetime as dt
import json
import re

import pytest

from include.errors import Refused
from include.jobs.measure_night import MeasureNight
from include.jobs.write_report import WriteReport
from include.rollout import registry
from include.rollout.verdict import Kind, Verdict
from include.store.objects import FolderStore, Missing
from include.store.partitions import publish
from include.store.quarantine import set_aside
from tests.evaluation.made_up import NEW, NIGHTS, release, shop

NOW = NIGHTS[-1] + dt.timedelta(days=7)


@pytest.fixture(autouse=True)
def var(tmp_path, monkeypatch):
    monkeypatch.setenv("NIGHTFILL_VAR", str(tmp_path / "var"))


def write(tmp_path, now=NOW, joined=None, **changes) -> str:
    fields = {"store": str(tmp_path / "store"), "work": tmp_path / "work", "surface": "home", "night": str(now)}
    MeasureNight(**fields).run()
    if joined:
        (tmp_path / "work" / "joined.json").write_text(json.dumps(joined))
    result = WriteReport(**(fields | changes)).run()
    assert result["report"] == str(tmp_path / "var" / "reports" / str(now) / "index.html")
    return (tmp_path / "var" / "reports" / str(now) / "index.html").read_text()


def words(page: str) -> str:
    """The page's text, one space between words."""
    text = re.sub(r"<style.*?</style>|<svg.*?</svg>", " ", page, flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


def test_the_report_names_the_days_of_which_lines_came_late(tmp_path):
    shop(tmp_path)
    assert "What came late" not in write(tmp_path)
    store, day = FolderStore(tmp_path / "store"), NOW - dt.timedelta(days=2)
    texts = {"columns": {}, "inputs": {}, "spec": "", "transform": ""}
    publish(store, "events", day, {}, rows=90, **texts)
    publish(store, "events", NOW, {}, rows=50, meta={"late": {str(day): 10}}, **texts)
    assert f"{day}: 10.0 % of its lines" in words(write(tmp_path))


def test_the_report_names_the_nights_that_were_quarantined(tmp_path):
    shop(tmp_path)
    assert "QUARANTINED" not in write(tmp_path)
    store, empty = FolderStore(tmp_path / "store"), tmp_path / "empty"
    empty.touch()
    publish(store, "events", NOW, {"e": empty}, rows=5, columns={}, inputs={}, spec="", transform="")
    set_aside(store, NOW, empty, ["the middle price <b>jumped</b>"])
    page = write(tmp_path)
    assert f"QUARANTINED Night {NOW} goes on without its events: the middle price &lt;b&gt;jumped" in words(page)


def test_the_report_says_how_the_shelf_sold(tmp_path):
    shop(tmp_path)
    text = words(write(tmp_path))
    assert "times as well as popularity, and better than habit" in text
    assert "over 1,200 answers to 400 households, 3 nights from 2017-10-22 to 2017-10-24" in text
    assert "Version 1 stable 400" in text and "Habit was not shown 400" in text
    assert "NO ALARM" in text and "Version 1 of night 2017-10-22 PROMOTE" in text
    assert "Complete Journey grocery panel published by 84.51°" in text and "simulated" in text
    assert "not effects of showing" in text


def test_the_page_needs_nothing_from_outside(tmp_path):
    shop(tmp_path)
    page = write(tmp_path)
    assert page.count("<svg") == 3
    assert not re.search(r"<script|<link|<img|src=|@import|url\(https?:", page)
    outside = {url for url in re.findall(r"https?://[^\s\"'<)]+", page) if "www.w3.org" not in url}
    assert outside == set()


def test_the_same_facts_give_the_same_page(tmp_path):
    shop(tmp_path)
    assert write(tmp_path) == write(tmp_path)


def test_a_night_on_which_nothing_has_matured_says_so(tmp_path):
    shop(tmp_path, nights=[])
    waiting = {"counts": {}, "waiting": {"2017-10-30": 412}}
    text = words(write(tmp_path, joined=waiting))
    assert "no answer has matured" in text
    assert "can be judged at the end of 2017-11-06" in text
    assert "412 answers of night 2017-10-30 can be judged at the end of 2017-11-06" in text


def test_the_report_shows_what_scores_said_and_what_was_bought(tmp_path):
    shop(tmp_path)
    page = write(tmp_path)
    assert "all products 20.0 % said, 18.0 % bought calibration error 2.1 %" in words(page)
    assert "over the chance that their scores say" in page and "new products alone" not in page


def test_an_alarm_is_the_headline(tmp_path):
    shop(tmp_path, {NEW: 0.05, "popularity": 0.1, "recency": 0.27})
    text = words(write(tmp_path))
    assert "has got worse and wants a look" in text and "ALARM" in text


def test_text_from_outside_is_escaped(tmp_path):
    store = shop(tmp_path)
    evil = Verdict(kind=Kind.REFUSE, reason='<script>alert(1)</script> & "quotes"')
    third = tmp_path / "third"
    third.mkdir()
    (third / "saved_model.pb").write_text("3")
    registry.register(store, "home", third, "2" * 16, {}, {"compression": None})
    release(store, "second", {"check": evil}, night=NIGHTS[1], candidate=2)
    page = write(tmp_path, joined={"counts": {"damaged": 3}, "waiting": {}})
    assert "<script" not in page and "&lt;script&gt;" in page
    assert "3 lines of the answer log could not be read" in page


def test_what_is_too_small_is_said_not_to_be_judged(tmp_path):
    shop(tmp_path)
    text = words(write(tmp_path))
    assert "not judged: fewer than 300 answers" in text
    assert "slice “up to 50 products known” has 51 answers, 300 are needed" in text


def test_a_night_that_was_not_measured_is_a_clear_sentence(tmp_path):
    FolderStore(tmp_path / "store")
    fields = {"store": str(tmp_path / "store"), "work": tmp_path / "work", "surface": "home", "night": str(NOW)}
    with pytest.raises(Missing, match="No surface was measured"):
        WriteReport(**fields).run()


@pytest.mark.parametrize("changes", [{"surface": "cellar"}, {"night": "2017-10-99"}])
def test_an_unknown_surface_or_a_malformed_night_is_refused(tmp_path, changes):
    shop(tmp_path)
    with pytest.raises(Refused):
        write(tmp_path, **changes)
