"""The same nights through Airflow's scheduler twice: one range run, and one run a night. Every byte must be the same."""

import time

import pytest

from include.cli import stack
from include.settings import Settings
from tests.e2e.shop import Shop

pytestmark = pytest.mark.long

SOURCE = {"households": 60, "first": "2017-05-01"}
FIRST, LAST = "2017-05-01", "2017-05-07"


@pytest.fixture
def opened(tmp_path):
    shops = []

    def run(name):
        shop = Shop(tmp_path / name, SOURCE)
        shops.append(shop)
        started = shop.call("start")
        assert started.returncode == 0, started.stdout + started.stderr
        return shop

    yield run
    for shop in shops:
        shop.call("stop")


def run_range(shop):
    api = stack.client(Settings.load(shop.env))
    api.trigger("build_features", "range", {"start": FIRST, "end": LAST})
    until = time.monotonic() + 600
    while (state := api.run("build_features", "range")["state"]) not in ("success", "failed") and time.monotonic() < until:
        time.sleep(1)
    assert state == "success"


def test_a_range_run_and_a_backfill_night_by_night_give_the_same_bytes(opened):
    by_range = opened("range")
    run_range(by_range)
    by_range.call("stop")
    by_night = opened("nights")
    done = by_night.call("backfill", FIRST, LAST, seconds=1800)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-1000:]
    assert "7 nights from 2017-05-01 to 2017-05-07 are built" in done.stdout
    assert by_night.manifests() == by_range.manifests()
    again = by_night.call("backfill", FIRST, LAST, "--again", seconds=1800)
    assert again.returncode == 0 and by_night.manifests() == by_range.manifests(), again.stdout[-2000:]
    assert sum(key.startswith("datasets/features/") for key in by_range.manifests()) == 7
