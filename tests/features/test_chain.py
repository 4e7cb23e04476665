"""Which nights may be built, and what makes one stale."""

import datetime as dt

import pytest

from include.errors import Refused
from include.features.build import Build, stale_nights
from include.features.chain import NOTHING, content, read_nights, stands_on
from include.features.publish import prepare, publish_night
from include.features.spark_session import explain_failure
from include.store.objects import open_store
from include.store.partitions import manifest_key, read_manifest
from tests.features.plain_etl import Purchase, compute, land_shop

START = dt.date(2017, 3, 6)
DAYS = [START + dt.timedelta(days=i) for i in range(4)]
LINES = [Purchase("h", "a", day, 1, 100, 0) for day in range(4)]


@pytest.fixture
def store(tmp_path):
    store = open_store(str(tmp_path / "store"))
    land_shop(store, tmp_path, LINES, START, DAYS)
    return store


def publish(store, folder, days=DAYS):
    compute(store, folder, LINES, days)
    for night in prepare(store, folder):
        publish_night(store, night)


def test_the_first_day_of_a_shop_stands_on_nothing(store):
    assert stands_on(store, START) == NOTHING


def test_a_night_after_a_gap_is_refused_and_the_range_is_named(store):
    with pytest.raises(Refused, match=r"go on from 2017-03-07.*range mode from 2017-03-06 to 2017-03-08"):
        stale_nights(store, DAYS[2:])


def test_unchanged_nights_are_left_alone(store, tmp_path):
    assert stale_nights(store, DAYS) == DAYS
    publish(store, tmp_path / "build")
    assert stale_nights(store, DAYS) == []
    assert stale_nights(store, DAYS, rebuild=True) == DAYS


def test_a_changed_day_makes_every_later_night_stale(store, tmp_path):
    publish(store, tmp_path / "build")
    changed = [*LINES, Purchase("g", "a", 2, 1, 100, 0)]
    land_shop(store, tmp_path, changed, START, DAYS)
    assert stale_nights(store, DAYS) == DAYS[2:]
    with pytest.raises(Refused, match=r"inputs of night 2017-03-08 have changed.*from 2017-03-08 to 2017-03-09"):
        stale_nights(store, DAYS[2:3])


def test_landing_the_same_day_from_another_file_changes_nothing_downstream(store, tmp_path):
    publish(store, tmp_path / "build")
    before = read_manifest(store, "events", START)
    assert content(before) == content(before.model_copy(update={"inputs": {"source": "a longer file"}}))
    assert stale_nights(store, DAYS) == []


def test_no_night_stands_on_one_of_another_version(store, tmp_path):
    publish(store, tmp_path / "build", DAYS[:2])
    key = manifest_key("features", DAYS[1])
    store.write(key, read_manifest(store, "features", DAYS[1]).model_copy(update={"transform": "features-1"}).to_bytes())
    with pytest.raises(Refused, match=r"2017-03-07.*another version of the ETL.*range mode from 2017-03-06 to 2017-03-08"):
        stale_nights(store, DAYS[2:])
    assert stale_nights(store, DAYS) == DAYS[1:]


def test_every_night_names_its_id_map_and_keeps_it_while_no_product_is_new(store, tmp_path):
    publish(store, tmp_path / "build")
    maps = [night.complete.id_map for night in read_nights(store, DAYS[-1])]
    assert maps[0] and len(set(maps)) == 1


def test_a_run_without_a_build_says_so(tmp_path):
    with pytest.raises(Refused, match="There is no build"):
        Build.read(tmp_path)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("java.io.IOException: No space left on device", "could not write its files"),
        ("java.io.IOException: File too large", "could not write its files"),
        ("java.lang.OutOfMemoryError: Java heap space", "ran out of memory"),
        ("numpy._core._exceptions._ArrayMemoryError: Unable to allocate 8. GiB", "ran out of memory"),
        ('java.lang.NullPointerException: ... because "capturingClassReader" is null', "Run it again"),
    ],
)
def test_a_known_failure_of_spark_gets_a_sentence(text, sentence):
    assert sentence in str(explain_failure(RuntimeError(text)))
