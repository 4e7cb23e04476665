"""Computed features with a wrong key, counter or sum never become visible."""

import datetime as dt

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from include import nights
from include.errors import Refused, TryAgain
from include.features.asof import History
from include.features.publish import prepare, publish_night
from include.features.state import KEEP, is_kept
from include.features.tables import DATASETS
from include.jobs.publish_features import PublishFeatures
from include.jobs.validate_features import ValidateFeatures
from include.parquet import write_canonical
from include.store.manifest import Manifest
from include.store.objects import Damaged, FolderStore, open_store
from include.store.partitions import drop, manifest_key, read_manifest
from tests.features.plain_etl import Purchase, compute, land_shop, publish_shop

START = dt.date(2017, 3, 6)
LAST = START + dt.timedelta(days=3)
LINES = [Purchase(f"h{day % 2}", product, day, 1 + day, 100 + day, 5) for day in range(4) for product in "ab"]


class Run:
    """One run over all nights of a shop: built, not yet validated."""

    def __init__(self, root) -> None:
        self.store = open_store(str(root / "store"))
        self.root = root
        self.fields = {"store": str(root / "store"), "work": root / "work", "first": str(START), "last": str(LAST)}
        self.days = nights.span(START, LAST)
        land_shop(self.store, root, LINES, START, self.days)
        compute(self.store, root / "work" / "features", LINES, self.days)

    def spoil(self, dataset: str, change, night: dt.date = LAST) -> None:
        path = self.root / "work" / "features" / dataset / f"{night}.parquet"
        write_canonical(change(pq.read_table(path)), path)


@pytest.fixture
def run(tmp_path) -> Run:
    return Run(tmp_path)


def plus_one(column: str):
    def change(table: pa.Table) -> pa.Table:
        at = table.column_names.index(column)
        values = [value + 1 for value in table[column].to_pylist()]
        return table.set_column(at, table.schema.field(column), pa.array(values, table.schema.field(column).type))

    return change


def test_right_features_pass_and_publish_once(run):
    assert ValidateFeatures(**run.fields).run()["checks"] == 109
    first = PublishFeatures(**run.fields).run()
    again = PublishFeatures(**run.fields).run()
    assert (first["changed"], again["changed"]) == (4, 0)
    assert first["digest"] == again["digest"]
    assert first["rows"]["household_product"] == 8


@pytest.mark.parametrize(
    ("dataset", "change", "sentence"),
    [
        (
            "household_product",
            lambda t: pa.concat_tables([t, t.slice(0, 1)]),
            "household_product with household and product_index",
        ),
        ("household_product", plus_one("cents"), "the money of the day's lines"),
        ("product", plus_one("units_total"), "counters of product that do not go on"),
        ("household", plus_one("products_total"), "counters of household that do not go on"),
        ("product_index", plus_one("product_index"), "do not go on from those given before"),
        ("product", lambda t: t.drop_columns(["buyers"]), "without the columns or types"),
        ("household", lambda t: t.slice(1), "hold different money"),
    ],
)
def test_wrong_features_are_refused_and_stay_invisible(run, dataset, change, sentence):
    run.spoil(dataset, change, START if dataset == "product_index" else LAST)
    with pytest.raises(Refused):
        ValidateFeatures(**run.fields).run()
    assert sentence in (run.root / "work" / "validate_features.json").read_text()
    with pytest.raises(Refused):
        PublishFeatures(**run.fields).run()
    assert not list((run.root / "store").glob("datasets/features/*"))


def test_a_build_made_after_the_validation_is_not_published(run):
    ValidateFeatures(**run.fields).run()
    (run.root / "work" / "features" / "build.json").write_text('{"nights": [], "skipped": [], "rows": {}, "inputs": {}}')
    with pytest.raises(Refused, match="have not been validated"):
        PublishFeatures(**run.fields).run()


def test_events_that_changed_since_the_build_are_not_published_under(run):
    key = manifest_key("events", LAST)
    run.store.write(key, run.store.read(manifest_key("events", START)))
    with pytest.raises(TryAgain, match="has changed since"):
        prepare(run.store, run.root / "work" / "features")


def published(run: Run) -> None:
    for night in prepare(run.store, run.root / "work" / "features"):
        publish_night(run.store, night)


def test_a_flipped_byte_is_refused_at_load(run):
    published(run)
    sha256 = read_manifest(run.store, "product", LAST).files[0].sha256
    path = run.root / "store" / "objects" / sha256[:2] / sha256
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(Damaged, match="does not have the bytes"):
        History.load(FolderStore(run.root / "store"), LAST)


def test_a_night_that_is_half_published_again_is_refused(run):
    published(run)
    key = manifest_key("product", LAST)
    manifest = Manifest.from_bytes(run.store.read(key), key)
    run.store.write(key, manifest.model_copy(update={"rows": 999}).to_bytes())
    with pytest.raises(TryAgain, match="is not the partition that the night names"):
        History.load(run.store, LAST)


def test_nights_that_do_not_stand_on_each_other_are_refused(run):
    published(run)
    key = manifest_key("features", START)
    manifest = Manifest.from_bytes(run.store.read(key), key)
    run.store.write(key, manifest.model_copy(update={"transform": "older"}).to_bytes())
    with pytest.raises(Refused, match=r"Night 2017-03-07 does not stand on.*range mode from 2017-03-07 to 2017-03-09"):
        History.load(run.store, LAST)


def test_a_crash_before_the_last_manifest_leaves_the_night_invisible(run):
    ready = prepare(run.store, run.root / "work" / "features")
    for night in ready[:-1]:
        publish_night(run.store, night)
    for path in ready[-1].files:
        run.store.put(path)
    assert History.load(run.store, ready[-2].night).night == ready[-2].night
    with pytest.raises(Refused, match=f"no partition for {LAST}"):
        History.load(run.store, LAST)


def test_counters_that_do_not_go_on_from_the_published_nights_are_refused(run):
    """Seven units more since the first day, and every sum of the day itself is right."""
    ready = prepare(run.store, run.root / "work" / "features")
    for night in ready[:-1]:
        publish_night(run.store, night)
    compute(run.store, run.root / "work" / "features", LINES, run.days, only=[LAST])
    ValidateFeatures(**run.fields).run()
    run.spoil("household_product", plus_one("units_total"))
    with pytest.raises(Refused, match="rows on 2017-03-09: counters of household_product that do not go on"):
        ValidateFeatures(**run.fields).run()


def test_validation_reads_nothing_from_before_the_state_that_the_night_was_built_from(tmp_path):
    """Three nights, one that keeps its state, four nights; and then nothing up to the state itself."""
    kept = next(night for night in nights.span(START, START + dt.timedelta(days=KEEP)) if is_kept(night))
    days = nights.span(kept - dt.timedelta(days=3), kept + dt.timedelta(days=4))
    store, lines = open_store(str(tmp_path / "store")), [Purchase(f"h{i % 3}", f"p{i % 5}", i, 1, 100 + i, 5) for i in range(8)]
    publish_shop(store, tmp_path, lines, days[0], 6)
    land_shop(store, tmp_path, lines, days[0], days)
    compute(store, tmp_path / "work" / "features", lines, days, only=[days[-1]])
    for night in nights.span(days[0], kept):
        for dataset in DATASETS:
            drop(store, dataset, night)
    fields = {"store": str(tmp_path / "store"), "work": tmp_path / "work", "first": str(days[-1]), "last": str(days[-1])}
    assert ValidateFeatures(**fields).run()["nights"] == 1
