"""What a night goes on from: the newest row of each key, kept whole every KEEP nights."""

import datetime as dt
import random

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from include.features.publish import prepare, publish_night
from include.features.state import KEEP, STATE, find_past, is_kept, newest, state_schema, write_states
from include.features.tables import COMPLETE, DATASETS, KEYS, SCHEMAS
from include.parquet import read_small
from include.store.objects import open_store
from include.store.partitions import drop, list_nights, manifest_key, read_manifest
from tests.features.plain_etl import Purchase, compute, land_shop

START = dt.date(2017, 1, 10)
NIGHTS = [START + dt.timedelta(days=i) for i in range(2 * KEEP + 5)]


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A store of 61 nights, published in two ranges, and its lines."""
    chance, folder = random.Random(3), tmp_path_factory.mktemp("state")
    store = open_store(str(folder / "store"))
    lines = [
        Purchase(f"h{chance.randrange(9)}", f"p{chance.randrange(20)}", chance.randrange(len(NIGHTS)), 1, day + 1, 0)
        for day in range(150)
    ]
    land_shop(store, folder, lines, START, NIGHTS)
    for part in (NIGHTS[:20], NIGHTS[20:]):
        compute(store, folder / "out", lines, NIGHTS, part)
        for ready in prepare(store, folder / "out"):
            publish_night(store, ready)
    return store


def row(key: int, known: int, day: int, total: int) -> dict:
    days = {name: dt.date(2017, 1, 1) + dt.timedelta(days=number) for name, number in (("known", known), ("day", day))}
    return {"product_index": key, **days, "units_total": total}


def test_the_newest_row_of_a_key_is_the_last_known_and_of_these_the_last_day():
    rows = [row(2, 1, 1, 10), row(1, 9, 3, 5), row(1, 8, 8, 99), row(1, 9, 8, 6), row(2, 4, 4, 12)]
    found = newest(
        pa.Table.from_pylist(rows, pa.schema([SCHEMAS["product"].field(name) for name in rows[0]])), ("product_index",)
    )
    assert found.to_pylist() == [row(1, 9, 8, 6), row(2, 4, 4, 12)]


def test_a_key_of_which_nothing_is_left_has_nothing_to_go_on_from():
    rows = [{**row(1, 1, 1, 10), "cents_total": 10}, {**row(1, 4, 1, 0), "cents_total": 0}]
    found = newest(pa.Table.from_pylist(rows, pa.schema([SCHEMAS["product"].field(name) for name in rows[0]])), KEYS["product"])
    assert found.num_rows == 0


def test_nights_that_are_built_but_not_published_count(shop, tmp_path):
    past, whole = find_past(shop, NIGHTS[34]), find_past(shop, NIGHTS[36]).newest("household_product")
    for night in NIGHTS[34:36]:
        file = read_manifest(shop, "household_product", night).files[0]
        (tmp_path / "household_product").mkdir(exist_ok=True)
        (tmp_path / "household_product" / f"{night}.parquet").write_bytes(shop.fetch(file.sha256).read_bytes())
    assert past.then(tmp_path, NIGHTS[34:36]).newest("household_product").equals(whole)


def test_nothing_has_no_newest_row():
    assert newest(state_schema("household_product").empty_table(), KEYS["household_product"]).num_rows == 0


def test_every_so_many_nights_one_keeps_the_state_and_names_it(shop):
    kept = [night for night in NIGHTS if is_kept(night)]
    assert len(kept) == 2
    assert list_nights(shop, STATE) == kept
    for night in kept:
        assert read_manifest(shop, COMPLETE, night).meta["parts"][STATE] == read_manifest(shop, STATE, night).digest


@pytest.mark.parametrize("night", [NIGHTS[1], NIGHTS[6], NIGHTS[30], NIGHTS[34], NIGHTS[-1]])
def test_a_night_goes_on_from_the_same_rows_with_kept_states_and_without(shop, tmp_path, night):
    past = find_past(shop, night)
    everything = [one for one in NIGHTS if one < night]
    assert len(past.nights) < KEEP
    assert past.kept is None or past.nights == tuple(everything[-len(past.nights) :] if past.nights else ())
    for dataset in DATASETS:
        whole = newest(type(past)(shop, None, tuple(everything)).rows(dataset), KEYS[dataset])
        assert past.newest(dataset).equals(whole)


def test_a_state_that_was_thrown_away_is_not_missed(shop):
    last = [night for night in NIGHTS if is_kept(night)][-1]
    want = find_past(shop, NIGHTS[-1]).newest("household_product")
    manifest = shop.read(manifest_key(STATE, last))
    drop(shop, STATE, last)
    past = find_past(shop, NIGHTS[-1])
    assert past.newest("household_product").equals(want) and past.kept is not None and len(past.nights) > KEEP
    shop.write(manifest_key(STATE, last), manifest)


def test_a_state_that_the_night_does_not_name_is_not_read(shop):
    first, last = (night for night in NIGHTS if is_kept(night))
    manifest = shop.read(manifest_key(STATE, last))
    shop.write(manifest_key(STATE, last), shop.read(manifest_key(STATE, first)))
    assert find_past(shop, NIGHTS[-1]).nights[0] == first + dt.timedelta(days=1)
    shop.write(manifest_key(STATE, last), manifest)


def test_only_the_keys_that_are_asked_for_are_read(shop):
    only = pc.field("household").isin(pa.array(["h1", "h2", "nobody"]))
    found = find_past(shop, NIGHTS[-1]).newest("household", only)
    assert found["household"].to_pylist() == ["h1", "h2"]


def test_states_night_by_night_have_the_bytes_of_a_range(shop, tmp_path):
    kept = [night for night in NIGHTS if is_kept(night)][-1]
    lone = tmp_path / "lone"
    for dataset in DATASETS:
        (lone / dataset).mkdir(parents=True)
        file = read_manifest(shop, dataset, kept).files[0]
        (lone / dataset / f"{kept}.parquet").write_bytes(shop.fetch(file.sha256).read_bytes())
    write_states(find_past(shop, kept), lone, [kept])
    for file in read_manifest(shop, STATE, kept).files:
        assert (lone / STATE / str(kept) / file.path).read_bytes() == shop.fetch(file.sha256).read_bytes()
        assert read_small(lone / STATE / str(kept) / file.path).schema.equals(state_schema(file.path.split(".")[0]))


def test_before_the_first_night_there_is_nothing(shop):
    assert find_past(shop, START).newest("household_product").num_rows == 0
