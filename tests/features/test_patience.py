"""A backfill lands some nights ahead: the compute of a night waits for the night before, and not for ever."""

import datetime as dt
import threading
import time

import pytest

from include.errors import Refused
from include.features.publish import prepare, publish_night
from include.jobs.build_features import BuildFeatures
from include.store.objects import open_store
from include.store.partitions import drop
from tests.features.plain_etl import Purchase, compute, land_shop

START = dt.date(2017, 3, 8)
NIGHTS = [START + dt.timedelta(days=i) for i in range(3)]
LINES = [Purchase("h1", "p1", day, 1, 100, 0) for day in range(3)]


@pytest.fixture
def store(tmp_path):
    store = open_store(str(tmp_path / "store"))
    land_shop(store, tmp_path, LINES, START, NIGHTS)
    return store


def job(tmp_path, night: dt.date, patience: float) -> BuildFeatures:
    return BuildFeatures(store=str(tmp_path / "store"), work=tmp_path / "work", first=str(night), patience=patience)


def test_a_night_waits_until_the_night_before_is_published(store, tmp_path):
    def publish() -> None:
        time.sleep(0.5)
        compute(store, tmp_path / "out", LINES, NIGHTS, NIGHTS[:1])
        for ready in prepare(store, tmp_path / "out"):
            publish_night(store, ready)

    other = threading.Thread(target=publish)
    other.start()
    asked = job(tmp_path, NIGHTS[1], 60)
    began = time.monotonic()
    asked._await_night_before(store, NIGHTS[1])
    other.join()
    assert 0.4 < time.monotonic() - began < 30


def test_a_night_before_that_does_not_come_is_named_when_patience_ends(store, tmp_path):
    with pytest.raises(Refused, match="2017-03-09, which is not published"):
        job(tmp_path, NIGHTS[2], 0.5).run()


def test_a_night_before_that_nobody_has_landed_is_not_waited_for_so_long(store, tmp_path):
    drop(store, "events", NIGHTS[1])
    began = time.monotonic()
    with pytest.raises(Refused, match="2017-03-09, which is not published"):
        job(tmp_path, NIGHTS[2], 6).run()
    assert 0.5 < time.monotonic() - began < 5


def test_the_first_night_of_a_shop_waits_for_nothing(store, tmp_path):
    began = time.monotonic()
    job(tmp_path, NIGHTS[0], 60)._await_night_before(store, NIGHTS[0])
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("patience", [-1, 3601, "x"])
def test_patience_has_bounds(tmp_path, patience):
    with pytest.raises(ValueError, match="patience"):
        job(tmp_path, NIGHTS[0], patience)
