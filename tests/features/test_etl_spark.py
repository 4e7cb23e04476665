"""The ETL in a real Spark session, on a mini shop made from the panel."""

import datetime as dt
import random
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from include import nights
from include.errors import Refused
from include.features.asof import History
from include.features.build import Builder
from include.features.publish import prepare, publish_night
from include.features.spark_session import open_session
from include.features.tables import COMPLETE, DATASETS
from include.jobs.build_features import BuildFeatures
from include.jobs.land_events import LandEvents
from include.jobs.publish_features import PublishFeatures
from include.jobs.validate_features import ValidateFeatures
from include.jobs.validate_raw import ValidateRaw
from include.settings import SourceSpec
from include.sources.opening import open_source
from include.sources.replay import ReplayClock
from include.store.objects import open_store
from include.store.partitions import manifest_key
from tests.features.plain_etl import Purchase, feature_rows, land_shop

pytestmark = pytest.mark.slow

SHOP = SourceSpec(households=60, first="2017-03-08")
FIRST, LAST = dt.date(2017, 3, 8), dt.date(2017, 3, 14)
"""Seven nights over the change to summer time."""


@pytest.fixture(scope="module")
def spark(tmp_path_factory):
    session = open_session("local[2]", "1g", tmp_path_factory.mktemp("spark"))
    yield session
    session.stop()


def run_nights(spark, store: Path, work: Path, first: dt.date, last: dt.date, **options) -> dict:
    """Land, check, build, check and publish, as the DAG does."""
    fields = {"store": str(store), "source": SHOP, "work": work, "first": str(first), "last": str(last)}
    LandEvents(**fields).run()
    ValidateRaw(**fields).run()
    built = BuildFeatures(**fields, **options).run(spark)
    ValidateFeatures(**fields).run()
    return {"build": built, "publish": PublishFeatures(**fields).run()}


@pytest.fixture(scope="module")
def range_store(spark, tmp_path_factory):
    root = tmp_path_factory.mktemp("range")
    run_nights(spark, root / "store", root / "work", FIRST, LAST)
    return root / "store"


@pytest.fixture(scope="module")
def nightly_store(spark, tmp_path_factory):
    root = tmp_path_factory.mktemp("nightly")
    for night in nights.span(FIRST, LAST):
        run_nights(spark, root / "store", root / f"work-{night}", night, night)
    return root / "store"


def files_of(store: Path) -> dict[str, bytes]:
    """Everything but pages for people, of which a range has one and each night its own."""
    found = {str(p.relative_to(store)): p for p in store.rglob("*") if p.is_file() and not p.name.endswith(".lock")}
    return {name: path.read_bytes() for name, path in found.items() if not name.startswith("reports/")}


def test_night_by_night_and_one_range_give_the_same_bytes(range_store, nightly_store):
    by_range, by_night = files_of(range_store), files_of(nightly_store)
    assert by_range.keys() == by_night.keys()
    assert [name for name in by_range if by_range[name] != by_night[name]] == []
    assert sum(name.startswith(f"datasets/{COMPLETE}/") and name.endswith("manifest.json") for name in by_range) == 7


def test_a_second_run_builds_nothing_and_changes_no_byte(spark, range_store, tmp_path):
    before = files_of(range_store)
    again = run_nights(spark, range_store, tmp_path, FIRST, LAST)
    assert (again["build"]["built"], again["build"]["skipped"]) == (0, 7)
    assert "unchanged" in again["build"]["reason"]
    assert again["publish"]["changed"] == 0
    assert files_of(range_store) == before


def test_an_old_night_built_again_under_later_ones_gives_the_same_bytes(spark, range_store, tmp_path):
    before = files_of(range_store)
    middle = dt.date(2017, 3, 11)
    again = run_nights(spark, range_store, tmp_path, middle, middle, rebuild=True)
    assert (again["build"]["built"], again["publish"]["changed"]) == (1, 0)
    assert files_of(range_store) == before


def test_the_counters_agree_with_what_the_replay_clock_says(range_store):
    clock = ReplayClock(open_source(SHOP))
    history = History.load(open_store(str(range_store)), LAST)
    ids = history.view(LAST).product_ids
    bought = {household: {ids[p] for p in products} for household, products in history.bought(FIRST, LAST).items()}
    assert bought == clock.outcomes(FIRST, LAST, LAST)
    assert bought


def test_a_gap_before_a_night_is_refused(spark, range_store, tmp_path):
    skipped = LAST + dt.timedelta(days=2)
    with pytest.raises(Refused, match=r"2017-03-15, which is not published.*from 2017-03-15 to 2017-03-16"):
        run_nights(spark, range_store, tmp_path, skipped, skipped)


def test_a_changed_old_night_is_refused_while_later_ones_stand_on_it(spark, range_store, tmp_path):
    store, second = open_store(str(range_store)), FIRST + dt.timedelta(days=1)
    key = manifest_key("events", second)
    before = store.read(key)
    store.write(key, store.read(manifest_key("events", LAST)))
    fields = {"store": str(range_store), "source": SHOP, "work": tmp_path, "first": str(second), "last": str(second)}
    with pytest.raises(Refused, match=r"have changed.*range mode from 2017-03-09 to 2017-03-14"):
        BuildFeatures(**fields).run(spark)
    store.write(key, before)


def test_features_that_were_not_validated_are_not_published(spark, range_store, tmp_path):
    fields = {"store": str(range_store), "source": SHOP, "work": tmp_path, "first": str(FIRST), "last": str(LAST)}
    BuildFeatures(**fields).run(spark)
    with pytest.raises(Refused, match=r"have not been validated"):
        PublishFeatures(**fields).run()


def test_every_dataset_has_a_partition_for_every_night(range_store):
    names = files_of(range_store)
    assert all(manifest_key(dataset, night) in names for dataset in DATASETS for night in nights.span(FIRST, LAST))


def test_spark_and_the_plain_reference_give_the_same_rows(spark, tmp_path):
    chance = random.Random(7)
    lines = [
        Purchase(f"h{chance.randrange(4)}", f"p{chance.randrange(6)}", chance.randrange(6), chance.randint(1, 3), day, day % 7)
        for day in range(1, 120)
    ]
    days = nights.span(FIRST, FIRST + dt.timedelta(days=5))
    store = open_store(str(tmp_path / "store"))
    land_shop(store, tmp_path, lines, FIRST, days)
    want = feature_rows(lines, days)
    for part in (days[:3], days[3:5], days[5:]):
        out = tmp_path / f"from-{part[0]}"
        Builder(spark, store, out).build(part)
        for ready in prepare(store, out):
            publish_night(store, ready)
            for dataset in DATASETS:
                table = pq.read_table(out / dataset / f"{ready.night}.parquet")
                assert table.to_pylist() == want[dataset][days.index(ready.night)], (dataset, ready.night)


@pytest.mark.long
def test_a_month_night_by_night_and_as_one_range_is_the_same(spark, tmp_path):
    last = FIRST + dt.timedelta(days=30)
    run_nights(spark, tmp_path / "range", tmp_path / "work", FIRST, last)
    for night in nights.span(FIRST, last):
        run_nights(spark, tmp_path / "nightly", tmp_path / f"work-{night}", night, night)
    assert files_of(tmp_path / "range") == files_of(tmp_path / "nightly")
