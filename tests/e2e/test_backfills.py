"""The same nights through Airflow's scheduler twice: one range run, and one run a night. Every byte must be the same.

And a range does not hold up tonight.
"""

import pytest

pytestmark = pytest.mark.long

SOURCE = {"households": 60, "first": "2017-05-01"}
FIRST, LAST = "2017-05-01", "2017-05-07"


def test_a_range_run_and_a_backfill_night_by_night_give_the_same_bytes(opened):
    by_range = opened("range", SOURCE)
    by_range.build_range(FIRST, LAST)
    by_night = opened("nights", SOURCE)
    done = by_night.call("backfill", FIRST, LAST, seconds=1800)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-1000:]
    assert "Built 7 nights from 2017-05-01 to 2017-05-07" in done.stdout
    assert by_night.manifests() == by_range.manifests()
    again = by_night.call("backfill", FIRST, LAST, "--again", seconds=1800)
    assert again.returncode == 0 and by_night.manifests() == by_range.manifests(), again.stdout[-2000:]
    assert sum(key.startswith("datasets/features/") for key in by_range.manifests()) == 7


def test_tonight_runs_to_its_end_while_ranges_are_held_up(opened):
    shop = opened("beside", SOURCE)
    shop.ask("first", start=FIRST)
    assert shop.wait("first") == "success"
    assert shop.call("airflow", "pools", "set", "spark_backfill", "0", "held up").returncode == 0
    ranges = ["range1", "range2"]
    for name in ranges:
        shop.ask(name, start=FIRST, end=FIRST)
    assert [shop.wait(name, "running") for name in ranges] == ["running", "running"]
    shop.ask("tonight", start="2017-05-02")
    assert shop.wait("tonight") == "success"
    assert [shop.wait(name, "running", seconds=0) for name in ranges] == ["running", "running"]
    assert shop.call("airflow", "pools", "set", "spark_backfill", "3", "let go").returncode == 0
    assert [shop.wait(name) for name in ranges] == ["success", "success"]
