"""What a shop may have beside purchases lands as it became known, and bad deliveries of it change no published byte."""

import datetime as dt
import logging

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from include.errors import Refused
from include.nights import span
from include.settings import SourceSpec
from include.sources.extras import KINDS, SCHEMAS
from include.sources.landing import Landing
from include.sources.opening import open_source
from include.store.objects import open_store
from include.store.partitions import list_nights, read_manifest
from tests.sources.panel import (
    CAMPAIGNS,
    COUPONS,
    DAYS,
    EXPOSED,
    FIRST,
    HOUSEHOLDS,
    LINES,
    PLANS,
    write_extra,
    write_panel,
)

LAST = dt.date(2017, 3, 16)
KNOWN, BOUGHT = DAYS["known"].date(), DAYS["bought"].date()
PINS = {"reader": dict.fromkeys(SCHEMAS, 1)}


@pytest.fixture
def panel(tmp_path):
    return write_panel(tmp_path / "panel").parent


def land(root, pins=PINS, nights=None, **spec):
    """Land the panel of a folder into a store beside it; returns the store and what was landed."""
    source = open_source(SourceSpec(folder=str(root / "panel"), **spec))
    landing = Landing(open_store(str(root / "store")), source, root / "work", pins)
    landing.land(nights or span(FIRST, LAST))
    return landing.store, landing.landed


def rows(store, dataset, night, file=None):
    found = [entry for entry in read_manifest(store, dataset, night).files if entry.path == f"{file or dataset}.parquet"]
    return pq.read_table(store.fetch(found[0].sha256)).to_pylist()


def published(root):
    """Every byte that a reader can see."""
    return {path: path.read_bytes() for path in sorted((root / "store").rglob("*")) if path.is_file()}


def refused(root, words):
    """A delivery is refused, and what was published before stays as it was."""
    before = published(root)
    with pytest.raises(Refused, match=words):
        land(root)
    assert published(root) == before


def test_each_row_is_known_from_its_own_night(panel):
    store, _ = land(panel)
    nights = {dataset: list_nights(store, dataset) for dataset in ("households", "campaigns", "coupons", "redemptions")}
    assert nights == {"households": [FIRST], "campaigns": [FIRST, KNOWN], "coupons": [FIRST, KNOWN], "redemptions": [BOUGHT]}
    assert rows(store, "campaigns", FIRST) == [
        {"campaign": "5", "household": "1", "kind": "Type A", "start": dt.date(2017, 3, 1), "end": dt.date(2017, 3, 31)}
    ]
    assert [row["household"] for row in rows(store, "campaigns", KNOWN)] == ["1", "2"]
    assert [(row["coupon"], row["product"]) for row in rows(store, "coupons", KNOWN)] == [
        ("600", "11"),
        ("600", "30"),
        ("601", "11"),
    ]
    assert rows(store, "redemptions", BOUGHT) == [{"household": "1", "campaign": "6", "coupon": "600", "day": BOUGHT}]
    (person,) = rows(store, "households", FIRST)
    assert person["age"] == "65+" and person["home"] is None


def test_night_by_night_lands_the_bytes_of_a_range(panel, tmp_path):
    land(panel)
    whole = published(panel)
    for path in whole:
        path.unlink()
    for night in span(FIRST, LAST):
        land(panel, nights=[night])
    marks = {path: data for path, data in published(panel).items() if path.name == "manifest.json"}
    assert marks == {path: data for path, data in whole.items() if path.name == "manifest.json"}


def test_a_manifest_names_the_contract_that_it_was_read_by(panel):
    store, _ = land(panel)
    assert read_manifest(store, "coupons", KNOWN).inputs["contract"] == "complete_journey.coupons 1"
    assert read_manifest(store, "events", FIRST).inputs["contract"] == "complete_journey.events 1"


def test_a_sample_keeps_the_rows_of_its_households(panel):
    store, _ = land(panel, households=1)
    kept = {row["household"] for night in list_nights(store, "events") for row in rows(store, "events", night)}
    exposed = {row["household"] for night in list_nights(store, "campaigns") for row in rows(store, "campaigns", night)}
    assert len(kept) == 1 and exposed <= kept


def test_what_is_no_longer_delivered_becomes_empty(panel):
    land(panel)
    write_extra(panel / "panel", "coupon_redemptions", [(1, 600, 6, DAYS["known"])])
    store, landed = land(panel)
    assert landed == {"redemptions": 2}
    assert rows(store, "redemptions", BOUGHT) == []


def bits(store, sunday):
    """Product -> kind -> stores, read from the words."""
    stores = [row["store"] for row in rows(store, "placements", sunday, "stores")]
    found = {}
    for row in rows(store, "placements", sunday):
        on = {kind: np.unpackbits(np.array(row[kind], "<i8").view(np.uint8), bitorder="little") for kind in KINDS}
        found[row["product"]] = {kind: [stores[i] for i in np.flatnonzero(on[kind])] for kind in KINDS if on[kind].any()}
    return found


def test_a_plan_says_which_stores_show_a_product_where(panel):
    store, _ = land(panel)
    assert bits(store, dt.date(2017, 3, 12)) == {"11": {"display": ["2"], "end_cap": ["2"]}}
    assert list_nights(store, "placements") == [dt.date(2017, 3, 5), dt.date(2017, 3, 12)]


def test_rows_of_one_key_in_differing_places_count_in_each(panel):
    store, _ = land(panel)
    assert bits(store, dt.date(2017, 3, 5)) == {
        "10": {"display": ["1"], "end_cap": ["1"], "mailer": ["1", "2"], "front_page": ["2"]},
        "11": {"mailer": ["2"]},
    }


def test_more_than_64_stores_take_more_words(panel):
    numbers = list(range(1, 131))
    lines = [LINES[0] | {"store_id": number, "basket_id": 9000 + number} for number in numbers]
    write_panel(panel / "panel", [*LINES, *lines])
    write_plans(panel, [(12, 10, number, "1" if number % 3 else "0", "A") for number in numbers])
    store, _ = land(panel)
    shown = bits(store, dt.date(2017, 3, 12))["10"]
    assert len(rows(store, "placements", dt.date(2017, 3, 12))[0]["mailer"]) == 3
    assert shown["mailer"] == sorted(map(str, numbers))
    assert shown["display"] == sorted(str(number) for number in numbers if number % 3)


def write_plans(root, plans):
    names = ("week", "product_id", "store_id", "display_location", "mailer_location")
    table = pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in plans])
    pq.write_table(table, root / "panel" / "promotions.parquet")


def test_doubled_coupons_and_unknown_products_are_told_and_count_once(panel, caplog):
    write_extra(panel / "panel", "coupons", [*COUPONS, COUPONS[0], (601, 4711, 6)])
    with caplog.at_level(logging.WARNING):
        store, _ = land(panel)
    assert "1 of 6 rows of coupons.parquet repeat a campaign_id, coupon_upc, product_id" in caplog.text
    assert "1 of 5 rows of coupons.parquet name a product that the catalogue does not have: 4711" in caplog.text
    assert len(rows(store, "coupons", FIRST)) == 1


EXTRAS = ("demographics", "campaign_descriptions", "campaigns", "coupons", "coupon_redemptions")


@pytest.mark.parametrize("landed", [False, True])
@pytest.mark.parametrize("name", EXTRAS)
def test_a_missing_file_is_refused_by_name(panel, name, landed):
    if landed:
        land(panel)
    (panel / "panel" / f"{name}.parquet").unlink()
    refused(panel, f"{name}.parquet is missing")


@pytest.mark.parametrize("name", EXTRAS)
def test_an_unreadable_file_is_refused_by_name(panel, name):
    land(panel)
    (panel / "panel" / f"{name}.parquet").write_bytes(b"PAR1 this is no parquet file PAR1")
    refused(panel, f"{name}.parquet cannot be read")


@pytest.mark.parametrize("name", EXTRAS)
def test_a_renamed_column_is_refused_with_what_was_expected(panel, name):
    land(panel)
    path = panel / "panel" / f"{name}.parquet"
    table = pq.read_table(path)
    first = table.column_names[0]
    pq.write_table(table.rename_columns({first: "nr"}), path)
    refused(panel, rf"pinned to it: reader\): {name}.parquet: column {first}: expected integer, it is gone \(new there: nr\)")


@pytest.mark.parametrize("name", EXTRAS)
def test_a_column_of_another_type_is_refused_with_what_came(panel, name):
    land(panel)
    path = panel / "panel" / f"{name}.parquet"
    table = pq.read_table(path)
    first = table.column_names[0]
    pq.write_table(table.set_column(0, first, table[first].cast(pa.float64())), path)
    refused(panel, f"{name}.parquet: column {first}: expected integer, came as number")


@pytest.mark.parametrize("name", EXTRAS)
def test_an_empty_table_is_refused_by_name(panel, name):
    land(panel)
    path = panel / "panel" / f"{name}.parquet"
    pq.write_table(pq.read_table(path).slice(0, 0), path)
    refused(panel, f"{name}.parquet has no rows")


@pytest.mark.parametrize("name", EXTRAS)
def test_a_table_delivered_twice_is_refused_by_name(panel, name):
    write_extra(panel / "panel", "coupons", [(500 + i, 10, 5) for i in range(20)])
    land(panel)
    path = panel / "panel" / f"{name}.parquet"
    pq.write_table(pa.concat_tables([pq.read_table(path)] * 2), path)
    refused(panel, rf"rows of {name}.parquet repeat a .*; its contract allows \d+%")


@pytest.mark.parametrize("name", EXTRAS)
def test_a_key_without_a_value_is_refused_by_name(panel, name):
    land(panel)
    path = panel / "panel" / f"{name}.parquet"
    table = pq.read_table(path)
    nothing = pa.nulls(table.num_rows, table.schema[0].type)
    pq.write_table(table.set_column(0, table.column_names[0], nothing), path)
    refused(panel, f"rows of {name}.parquet have no {table.column_names[0]}")


@pytest.mark.parametrize(
    ("name", "changed", "words"),
    [
        (
            "campaign_descriptions",
            [CAMPAIGNS[0], (6, "B", DAYS["known"], DAYS["before"])],
            "Campaign 6 .* ends on 2017-03-01, before",
        ),
        ("campaign_descriptions", [CAMPAIGNS[0], (6, "B", DAYS["known"], None)], "campaign_descriptions.parquet lacks 1 date"),
        ("campaigns", [*EXPOSED, (7, 1)], "1 of 4 rows of campaigns.parquet name a campaign that is not described: 7"),
        ("coupons", [*COUPONS, (700, 10, 7)], "rows of coupons.parquet name a campaign that is not described: 7"),
        ("coupons", [(1, 900 + i, 5) for i in range(6)], "6 of 6 rows of coupons.parquet name a product .*: 900, 901"),
        ("coupon_redemptions", [(1, 600, 6, DAYS["before"])], "1 of 1 rows of coupon_redemptions.parquet lie outside"),
        ("demographics", [*HOUSEHOLDS, (1, *["x"] * 7)], "1 of 2 rows of demographics.parquet repeat a household_id"),
    ],
)
def test_rows_that_cannot_be_true_are_refused(panel, name, changed, words):
    land(panel)
    write_extra(panel / "panel", name, changed)
    refused(panel, words)


def test_a_plan_of_unknown_stores_is_refused_with_their_names(panel):
    land(panel)
    write_plans(panel, [(12, 10, 900 + i, "1", "0") for i in range(6)])
    refused(panel, "6 of 6 rows of promotions.parquet name a store that sells nothing: 900, 901")


def test_a_plan_delivered_twice_is_refused(panel):
    land(panel)
    write_plans(panel, sorted(PLANS * 10))
    refused(panel, r"9 of 10 rows of promotions.parquet \(week of 2017-03-13\) repeat a week, product_id, store_id")


def test_a_broken_table_that_nobody_reads_is_left_out(panel, caplog):
    (panel / "panel" / "coupons.parquet").unlink()
    with caplog.at_level(logging.WARNING):
        _, landed = land(panel, pins={"reader": {"campaigns": 1}})
    assert "coupons" not in landed and landed["campaigns"] == 2 and landed["events"] == 7
    assert "Nobody reads coupons, so it is left out" in caplog.text


def test_an_added_column_is_told_and_changes_no_byte(panel, caplog):
    land(panel)
    before = {path: data for path, data in published(panel).items() if path.suffix != ".json"}
    path = panel / "panel" / "campaigns.parquet"
    table = pq.read_table(path)
    pq.write_table(table.append_column("colour", pa.array(["red"] * table.num_rows)), path)
    with caplog.at_level(logging.WARNING):
        land(panel)
    assert "campaigns.parquet has columns that contract complete_journey.campaigns 1 does not name: colour" in caplog.text
    assert {path: data for path, data in published(panel).items() if path.suffix != ".json"} == before
