"""A listing that does not show what was just written leaves nothing out that matters."""

import datetime as dt

import pytest

from include.features.chain import catalogue_night, nights_before, read_nights
from include.features.publish import prepare, publish_night
from include.rollout import record, served
from include.rollout.bundle import Pointer
from include.store import partitions
from include.store.index import forget, recall, remember
from include.store.objects import ABSENT
from tests.features.plain_etl import Purchase, compute, land_shop

START = dt.date(2017, 3, 6)
DAYS = [START + dt.timedelta(days=i) for i in range(4)]
LINES = [Purchase("h", "a", day, 1, 100, 0) for day in range(4)]


class Lagging:
    """A store whose listings show nothing of what was written since `freeze`, and all that was deleted since."""

    def __init__(self, inner):
        self.inner = inner
        self.shown = None

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def freeze(self):
        self.shown = [key for folder in ("datasets", "models") for key in self.inner.list(folder)]

    def list(self, prefix):
        return (
            iter([key for key in self.shown if key.startswith(f"{prefix}/")])
            if self.shown is not None
            else self.inner.list(prefix)
        )


@pytest.fixture
def lagging(store):
    return Lagging(store)


@pytest.fixture
def shop(lagging, tmp_path):
    """Night 0 was published long ago, nights 1 to 3 a moment ago."""
    land_shop(lagging, tmp_path, LINES, START, DAYS)
    for nights in (DAYS[:1], DAYS[1:]):
        compute(lagging, tmp_path / "build", LINES, DAYS, only=nights)
        for night in prepare(lagging, tmp_path / "build"):
            publish_night(lagging, night)
        if nights == DAYS[:1]:
            lagging.freeze()
    return lagging


def test_a_reader_gets_every_night_of_the_chain(shop):
    assert len(list(shop.list("datasets/features"))) == 2  # one manifest and the index
    assert [night.night for night in read_nights(shop, DAYS[-1])] == DAYS
    assert partitions.list_nights(shop, "features") == DAYS


def test_a_build_stands_on_every_night_before_it(shop):
    assert nights_before(shop, DAYS[3]) == DAYS[:3]
    assert nights_before(shop, START) == []


def test_the_catalogue_of_a_moment_ago_is_used(shop, tmp_path):
    file = tmp_path / "products"
    file.write_bytes(b"x")
    fields = {"rows": 1, "columns": {}, "inputs": {}, "spec": "s", "transform": "t"}
    partitions.publish(shop, "products", DAYS[2], {"products.parquet": file}, **fields)
    assert catalogue_night(shop, DAYS[3]) == DAYS[2]


def test_a_partition_that_was_dropped_is_not_found_again(shop):
    partitions.drop(shop.inner, "features", DAYS[3])
    assert partitions.list_nights(shop, "features") == DAYS[:3]
    assert partitions.list_nights(shop.inner, "features") == DAYS[:3]


def test_an_index_entry_without_a_manifest_is_no_night(shop):
    shop.delete(partitions.manifest_key("features", DAYS[3]))
    assert partitions.list_nights(shop, "features") == DAYS[:3]


def test_a_release_and_a_move_of_a_moment_ago_are_told(lagging):
    lagging.freeze()
    one = record.Record(
        surface="home", release="r1", night=START, first=START, last=START, stable=None, candidate_version=0,
        candidate="0" * 16, salt="s", margin=0.02, weights=(100,), minimum=1,
    )  # fmt: skip
    record.save(lagging, one)
    remember(lagging, "models/home/releases", ["r1"])
    assert record.all_of(lagging, "home") == [one]
    pointer = Pointer(version=0, name="0" * 16, night=START, epoch=1, release="r1")
    served.note(lagging, "home", pointer, by="me", why="a roll-back")
    assert [move.by for move in served.moves(lagging, "home", [], pointer)] == ["me"]


def test_the_index_is_the_same_bytes_in_any_order_and_is_not_written_twice(store):
    remember(store, "d", ["b"])
    remember(store, "d", ["a"])
    etag = store.etag("d/index.json")
    remember(store, "d", ["a", "b"])
    assert recall(store, "d") == {"a", "b"} and store.etag("d/index.json") == etag != ABSENT
    assert store.read("d/index.json") == b'{"format":1,"names":["a","b"]}'
    forget(store, "d", ["a", "c"])
    assert recall(store, "d") == {"b"}
