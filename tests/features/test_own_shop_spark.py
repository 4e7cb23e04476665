"""A shop whose catalogue grows by the day: the same bytes by range and night by night, and every sale is counted."""

import pyarrow.parquet as pq
import pytest

from include.features.asof import History
from include.features.spark_session import open_session
from include.jobs.build_features import BuildFeatures
from include.jobs.land_events import LandEvents
from include.jobs.publish_features import PublishFeatures
from include.jobs.validate_features import ValidateFeatures
from include.jobs.validate_raw import ValidateRaw
from include.nights import span
from include.settings import SourceSpec
from include.sources.opening import open_source
from include.store.objects import open_store
from include.store.partitions import fetch, list_nights
from tests.sources.web_shop import FIRST, MAPPING, WebShop, write_web_shop

pytestmark = pytest.mark.slow

DAYS = span(FIRST, FIRST.replace(day=FIRST.day + 2))
"""Each of them brings products that were not sold before."""


@pytest.fixture(scope="module")
def spark(tmp_path_factory):
    session = open_session("local[2]", "1g", tmp_path_factory.mktemp("spark"))
    yield session
    session.stop()


def build(spark, source, store, work, first, last):
    fields = {"store": str(store), "source": source, "work": work, "first": str(first), "last": str(last)}
    LandEvents(**fields).run()
    ValidateRaw(**fields).run()
    BuildFeatures(**fields).run(spark)
    ValidateFeatures(**fields).run()
    PublishFeatures(**fields).run()


def manifests(store):
    return {str(path.relative_to(store)): path.read_bytes() for path in store.rglob("manifest.json")}


def test_a_growing_catalogue_gives_the_same_bytes_by_range_and_night_by_night(spark, tmp_path):
    data = write_web_shop(tmp_path / "data", WebShop(customers=30, weeks=1), MAPPING.replace("text: Description\n", ""))
    source = SourceSpec(name="shop", folder=str(data), mapping=str(data / "nightfill.yaml"))
    build(spark, source, tmp_path / "range", tmp_path / "work", DAYS[0], DAYS[-1])
    for night in DAYS:
        build(spark, source, tmp_path / "nightly", tmp_path / f"work-{night}", night, night)
    assert manifests(tmp_path / "range") == manifests(tmp_path / "nightly")
    store = open_store(str(tmp_path / "range"))
    assert list_nights(store, "products") == DAYS and list_nights(store, "promotions") == []
    shop = open_source(source)
    events = shop.read_events(DAYS[0], DAYS[-1]).to_pylist()
    goods = {line["product"] for line in events} - {"POST", "BANK CHARGES"}
    sold = sum(line["cents"] for line in events if line["quantity"] > 0 and line["product"] in goods)
    assert sum(pq.read_table(path)["cents"].to_pandas().sum() for path in fetch(store, "product", DAYS)) == sold
    view = History.load(store, DAYS[-1]).view(DAYS[-1])
    assert set(view.content["type"]) == {""} and len(view.product_ids) <= len(goods)
