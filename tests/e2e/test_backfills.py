"""The same nights through Airflow's scheduler twice: one range run, and one run a night. Every byte must be the same."""

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
    assert "7 nights from 2017-05-01 to 2017-05-07 are built" in done.stdout
    assert by_night.manifests() == by_range.manifests()
    again = by_night.call("backfill", FIRST, LAST, "--again", seconds=1800)
    assert again.returncode == 0 and by_night.manifests() == by_range.manifests(), again.stdout[-2000:]
    assert sum(key.startswith("datasets/features/") for key in by_range.manifests()) == 7
