"""A night whose inputs are the same is left alone, and says so; a changed digest rebuilds exactly what hangs from it."""

import datetime as dt
import re

import pytest

from include.features import stale
from include.features.build import Build, stale_nights
from include.features.publish import publish_build
from include.features.stale import first_stale
from include.jobs.build_features import BuildFeatures
from include.store.objects import open_store
from include.store.partitions import drop, manifest_key, read_manifest
from tests.features.plain_etl import Purchase, compute, land_shop, publish_shop

START = dt.date(2017, 3, 6)
DAYS = [START + dt.timedelta(days=i) for i in range(4)]
LINES = [Purchase("h", "a", day, 1, 100, 0) for day in range(4)]


@pytest.fixture
def anywhere(store, tmp_path):
    """The shop in a folder and in a bucket."""
    publish_shop(store, tmp_path, LINES, START, 3)
    return store


@pytest.fixture
def shop(tmp_path):
    store = open_store(str(tmp_path / "store"))
    publish_shop(store, tmp_path, LINES, START, 3)
    return store


def land(store, tmp_path, *lines):
    land_shop(store, tmp_path, [*LINES, *lines], START, DAYS)


def everything(store):
    return {key: store.etag(key) for folder in ("datasets", "objects") for key in store.list(folder)}


def test_the_same_inputs_build_nothing_and_change_nothing(anywhere, tmp_path):
    before = everything(anywhere)
    land(anywhere, tmp_path)
    assert first_stale(anywhere, DAYS) is None and stale_nights(anywhere, DAYS) == []
    compute(anywhere, tmp_path / "again", LINES, DAYS)
    assert publish_build(anywhere, tmp_path / "again").state == "superseded"
    assert everything(anywhere) == before


def test_a_changed_night_rebuilds_itself_and_what_stands_on_it(anywhere, tmp_path):
    kept = [read_manifest(anywhere, "features", night).digest for night in DAYS]
    land(anywhere, tmp_path, Purchase("g", "a", 2, 1, 50, 0))
    night, why = first_stale(anywhere, DAYS)
    assert (night, len(why)) == (DAYS[2], 1) and why[0].startswith("input events changed from ")
    assert stale_nights(anywhere, DAYS) == DAYS[2:]
    compute(anywhere, tmp_path / "again", [*LINES, Purchase("g", "a", 2, 1, 50, 0)], DAYS, only=DAYS[2:])
    ended = publish_build(anywhere, tmp_path / "again")
    assert (ended.state, ended.nights, ended.changed) == ("published", 2, 2)
    now = [read_manifest(anywhere, "features", night).digest for night in DAYS]
    assert [a == b for a, b in zip(kept, now, strict=True)] == [True, True, False, False]
    assert first_stale(anywhere, DAYS) is None


def test_a_night_that_nothing_hangs_from_rebuilds_alone(shop, tmp_path):
    land(shop, tmp_path, Purchase("g", "a", 3, 1, 50, 0))
    assert stale_nights(shop, DAYS) == DAYS[3:] == stale_nights(shop, DAYS[3:])
    assert stale_nights(shop, DAYS[:3]) == []


def test_landing_from_another_file_with_the_same_lines_changes_nothing_downstream(shop):
    key = manifest_key("events", DAYS[1])
    landed = read_manifest(shop, "events", DAYS[1])
    shop.write(key, landed.model_copy(update={"inputs": {"source": "a longer file"}}).to_bytes())
    assert first_stale(shop, DAYS) is None


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [("etl_digest", lambda: "f" * 64, "the spec changed from"), ("TRANSFORM", "features-99", "to features-99")],
)
def test_a_changed_spec_or_transform_rebuilds_everything_and_says_which(shop, monkeypatch, name, value, words):
    monkeypatch.setattr(stale, name, value)
    night, why = first_stale(shop, DAYS)
    assert night == DAYS[0] and len(why) == 1 and words in why[0]


def test_a_night_that_is_gone_is_built_again_with_what_stands_on_it(shop):
    drop(shop, "features", DAYS[2])
    assert first_stale(shop, DAYS) == (DAYS[2], [stale.UNPUBLISHED])


def test_the_job_says_why_it_does_nothing(shop, tmp_path):
    fields = {"store": str(shop.root), "work": tmp_path / "work", "first": str(DAYS[0]), "last": str(DAYS[3])}
    result = BuildFeatures(**fields).run()
    assert (result["built"], result["skipped"]) == (0, 4) and "of 4 nights are unchanged" in result["reason"]
    assert publish_build(shop, tmp_path / "work" / "features").state == "unchanged"


def test_the_job_says_which_input_has_changed(shop, tmp_path, monkeypatch):
    monkeypatch.setattr(BuildFeatures, "_build", lambda self, store, stale, skipped, spark: Build(stale, skipped))
    land(shop, tmp_path, Purchase("g", "a", 2, 1, 50, 0))
    fields = {"store": str(shop.root), "work": tmp_path / "work", "first": str(DAYS[0]), "last": str(DAYS[3])}
    result = BuildFeatures(**fields).run()
    assert (result["built"], result["skipped"]) == (2, 2)
    assert re.fullmatch(
        r"built from 2017-03-08: input events changed from \w{8} to \w{8}; later nights stand on it; "
        "2 nights before are unchanged",
        result["reason"],
    )
