"""Every kind of bad model, as a user drills it, on a mini shop whose stable model was trained there."""

import json

import pytest

from include.rollout.drill import Drill, chosen
from include.settings import Settings
from include.store.objects import open_store
from tests.e2e.shop import Shop

pytestmark = pytest.mark.long

SHOP = {"households": 300, "first": "2017-05-01"}
WHERE = {"bad_ranking": "shadow", "stale_vocabulary": "shadow"}
"""Where a fault at once is seen; all others are refused in the check."""


@pytest.fixture(scope="module")
def drilled(tmp_path_factory):
    shop = Shop(tmp_path_factory.mktemp("shop"), SHOP)
    try:
        night = shop.call("run", seconds=2400)
        assert night.returncode == 0, night.stdout[-3000:] + night.stderr[-1000:]
        before = (shop.var / "store" / "models" / "home" / "stable.json").read_bytes()
        yield shop, before, shop.call("drill", "all", seconds=3000)
    finally:
        shop.call("stop")


@pytest.fixture(scope="module")
def rows(drilled):
    return json.loads((drilled[0].var / "run" / "drills.json").read_text())


def test_all_drills_pass_and_the_table_shows_them(drilled, rows):
    _, _, run = drilled
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-1000:]
    assert [(row["fault"], row["form"]) for row in rows] == [(one.fault, one.form) for one in chosen("all")]
    assert all(row["fault"] in run.stdout for row in rows) and "DRILL FAILED" not in run.stdout


def test_each_fault_is_seen_where_it_can_be_seen_first(rows):
    for row in rows:
        if row["form"] == "delayed":
            assert row["where"].startswith("ramp-") and row["verdict"] == "ROLL_BACK", row
        else:
            assert row["where"] == WHERE.get(row["fault"], "check"), row
        assert row["verdict"] == ("REFUSE" if row["where"] == "check" else "ROLL_BACK"), row


def test_each_reason_names_its_fault_and_no_shopper_paid(rows):
    for row in rows:
        assert Drill(row["fault"], row["form"]).named(row["reason"]), row
        assert row["failed_requests"] == 0 and row["stable_untouched"], row
        assert (row["requests"] == 0) == (row["where"] == "check"), row


def test_all_of_it_takes_at_most_25_minutes(rows):
    assert sum(row["seconds"] for row in rows) < 25 * 60


def test_nothing_of_a_drill_stays(drilled):
    shop, before, _ = drilled
    home = shop.var / "store" / "models" / "home"
    assert (home / "stable.json").read_bytes() == before
    assert json.loads((home / "drills.json").read_text())["versions"] == []
    kept = {entry["name"] for entry in json.loads((home / "versions.json").read_text())["versions"]}
    assert {path.parent.name for path in home.glob("bundles/*/manifest.json")} == kept
    store = open_store(Settings.load(shop.env).store_uri)
    files = [file for path in home.glob("bundles/*/manifest.json") for file in json.loads(path.read_text())["files"]]
    assert all(store.fetch(file["sha256"]) for file in files), "no object of a real bundle was damaged"
    assert not list((shop.var / "answers").rglob("drill__*"))


def test_the_night_goes_on_after_the_drills(drilled):
    shop, _, _ = drilled
    again = shop.call("run", seconds=900)
    assert again.returncode == 0 and "was done before" in again.stdout
    assert all("drill" not in str(release) for release in shop.summary()["surfaces"]["home"]["releases"])


@pytest.mark.parametrize("words", [("nonsense",), ("nan", "--form", "later"), ("corrupt", "--form", "delayed")])
def test_an_unknown_drill_is_refused_before_anything_starts(drilled, words):
    done = drilled[0].call("drill", *words)
    assert done.returncode == 65 and ("Choose one of" in done.stderr or "Leave the form out" in done.stderr)
