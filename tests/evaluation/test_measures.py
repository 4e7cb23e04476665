import datetime as dt

import pytest

from include.errors import Refused
from include.evaluation.alarm import alarm
from include.evaluation.judged import read_judged, universe_sizes
from include.evaluation.measures import Judged, by_night, serving
from include.jobs.measure_night import MeasureNight, measures_key
from include.store.objects import FolderStore
from tests.evaluation.made_up import NEW, NIGHTS, OLD, publish_judged, rows, shop

NOW = NIGHTS[-1] + dt.timedelta(days=7)


def judged(store, now=NOW) -> Judged:
    return Judged(read_judged(store, "home", now), universe_sizes(store, "home", now))


def raised(store) -> dict:
    found = judged(store)
    return alarm(found, serving(found))


def measure(tmp_path, **changes) -> dict:
    fields = {"store": str(tmp_path / "store"), "work": tmp_path / "work", "surface": "home", "night": str(NOW)}
    return MeasureNight(**(fields | changes)).run()


def test_the_serving_model_is_compared_with_the_same_households(tmp_path):
    found = serving(judged(shop(tmp_path)))
    assert found["model"] == NEW and found["nights"] == [str(night) for night in NIGHTS]
    assert found["figures"]["answers"] == 1200 and found["figures"]["households"] == 400
    assert found["against"]["popularity"]["low"] > 0
    assert found["rivals"]["popularity"]["answers"] == 1200
    assert 0 < found["figures"]["coverage"] <= 1


def test_every_night_shows_its_models_and_their_rivals(tmp_path):
    entries = by_night(judged(shop(tmp_path)))
    assert [entry["night"] for entry in entries] == [str(night) for night in NIGHTS]
    assert set(entries[0]["rankers"]) == {NEW, "popularity", "recency"}
    assert entries[0]["rankers"][NEW]["arms"] == ["stable"] and entries[0]["stable"] == NEW


def test_a_slice_of_few_households_is_not_judged(tmp_path):
    slices = {one["name"]: one for one in serving(judged(shop(tmp_path)))["slices"]}
    assert slices["up to 50 products known"] == {"name": "up to 50 products known", "answers": 51, "judged": False}
    assert slices["more than 500 products known"]["judged"]


def test_a_good_model_raises_no_alarm(tmp_path):
    found = raised(shop(tmp_path))
    assert not found["alarm"] and "against popularity" in found["reason"]


def test_a_model_that_is_worse_than_popularity_raises_the_alarm(tmp_path):
    found = raised(shop(tmp_path, {NEW: 0.05, "popularity": 0.1, "recency": 0.27}))
    assert found["alarm"] and "worse than popularity" in found["reason"]


def test_a_lead_over_habit_that_falls_raises_the_alarm(tmp_path):
    store = shop(tmp_path, nights=NIGHTS[:2])
    last = NIGHTS[2]
    fallen = (
        rows(last, NEW, "stable", 0.15) + rows(last, "popularity", "reference", 0.1) + rows(last, "recency", "reference", 0.27)
    )
    publish_judged(store, tmp_path, NOW, fallen)
    found = raised(store)
    assert found["alarm"] and "lead over habit" in found["reason"]


def test_a_week_that_is_hard_for_everybody_raises_no_alarm(tmp_path):
    store = shop(tmp_path, nights=NIGHTS[:2])
    last = NIGHTS[2]
    hard = (
        rows(last, NEW, "stable", 0.13) + rows(last, "popularity", "reference", 0.04) + rows(last, "recency", "reference", 0.11)
    )
    publish_judged(store, tmp_path, NOW, hard)
    assert not raised(store)["alarm"]


def test_few_answers_raise_no_alarm_and_say_so(tmp_path):
    found = raised(shop(tmp_path, {NEW: 0.01, "popularity": 0.4, "recency": 0.4}, n=40))
    assert not found["alarm"] and "300 are needed" in found["reason"]


def test_nothing_judged_is_no_alarm_and_no_figure(tmp_path):
    store = FolderStore(tmp_path / "store")
    assert serving(judged(store)) is None
    assert "nothing can be said" in raised(store)["reason"]


def test_an_answer_that_is_in_two_partitions_counts_once(tmp_path):
    store = shop(tmp_path)
    publish_judged(store, tmp_path, NOW - dt.timedelta(days=4), rows(NIGHTS[0], NEW, "stable", 0.3))
    assert serving(judged(store))["figures"]["answers"] == 1200


def test_partitions_of_later_nights_are_not_read(tmp_path):
    assert judged(shop(tmp_path), NIGHTS[0] + dt.timedelta(days=7)).nights() == [str(NIGHTS[0])]


def test_the_job_measures_twice_the_same_bytes(tmp_path):
    store = shop(tmp_path)
    first = measure(tmp_path)
    data = store.read(measures_key("home", NOW))
    assert measure(tmp_path) == first
    assert store.read(measures_key("home", NOW)) == data
    assert first["model"] == NEW and first["alarm"] is False and first["baselines"]["recency"]["answers"] == 1200


def test_the_model_of_the_latest_night_is_the_one_that_serves(tmp_path):
    store = shop(tmp_path, nights=NIGHTS[1:])
    publish_judged(store, tmp_path, NIGHTS[0] + dt.timedelta(days=7), rows(NIGHTS[0], OLD, "stable", 0.1))
    assert serving(judged(store))["model"] == NEW


@pytest.mark.parametrize("changes", [{"surface": "cellar"}, {"night": "2017-13-01"}, {"night": "tomorrow"}])
def test_an_unknown_surface_or_a_malformed_night_is_refused(tmp_path, changes):
    with pytest.raises(Refused):
        measure(tmp_path, **changes)
