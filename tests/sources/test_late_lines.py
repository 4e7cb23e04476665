"""Lines that come late, and corrections: they land on the night that delivered them, and are counted by their own day."""

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pytest

from include.errors import Refused
from include.features.restate import in_parts, late_nights, lines_of, touched_by
from include.jobs.land_events import LandEvents
from include.parquet import read_small
from include.sources.late import late_lines, late_of
from include.sources.replay import ReplayClock
from include.sources.shop.look import describe, look
from include.sources.source import EVENTS
from include.store.objects import Store, open_store
from include.store.partitions import fetch, read_manifest
from tests.sources.own_shop import MAPPING, shop, write

DATED = MAPPING.replace("{kind: csv}", '{kind: csv, date: "%Y-%m-%d.csv"}')
DAYS = [dt.date(2024, 6, 1) + dt.timedelta(days=i) for i in range(5)]


def line(order: str, day: int, sku: str = "A1", n: int = 1, who: str = "anna", at: str = "10:00:00", price: str = "1") -> str:
    return f"{order},{who},{sku},MUG,{n},{DAYS[day]}T{at},{price}"


def deliver(folder: Path, *nights: list[str], mapping: str = DATED) -> Path:
    """A file a night."""
    for night, lines in zip(DAYS, nights, strict=False):
        write(folder, tuple(lines), mapping, f"{night}.csv")
    return folder


def land(folder: Path, first: int = 0, last: int = 1, **fields: object) -> tuple[dict, Store]:
    job = LandEvents(
        store=str(folder / "store"),
        source=shop(folder).spec,
        work=folder / "work",
        first=str(DAYS[first]),
        last=str(DAYS[last]),
        **fields,
    )
    return job.run(), open_store(str(folder / "store"))


def landed(store: Store, night: int) -> list[dict]:
    return read_small(fetch(store, "events", [DAYS[night]])[0]).to_pylist()


def test_a_late_line_lands_on_the_night_that_delivered_it_and_is_counted_by_its_day(tmp_path):
    folder = deliver(tmp_path, [line("1", 0), line("2", 0)], [line("3", 1), line("4", 0)])
    said, store = land(folder)
    assert [row["basket"] for row in landed(store, 0)] == ["1", "2"]
    assert {(row["basket"], row["day"], row["known"]) for row in landed(store, 1)} == {
        ("3", DAYS[1], DAYS[1]),
        ("4", DAYS[0], DAYS[1]),
    }
    assert late_of(read_manifest(store, "events", DAYS[1])) == {str(DAYS[0]): 1}
    assert said["late"] == {"lines": 1, "nights": 1, "days": 1}
    assert said["reopen"] == {str(DAYS[0]): round(1 / 3, 4)}


def test_a_day_asks_to_be_reopened_only_above_the_limit(tmp_path):
    folder = deliver(tmp_path, [line(str(i), 0) for i in range(9)], [line("20", 1), line("21", 0)])
    assert land(folder, late_share=0.1)[0]["reopen"] == {}
    assert land(deliver(tmp_path / "b", [line(str(i), 0) for i in range(9)], [line("20", 1), line("21", 0)]), late_share=0.09)[
        0
    ]["reopen"] == {str(DAYS[0]): 0.1}


def test_the_share_of_a_day_counts_what_every_night_since_delivered(tmp_path):
    folder = deliver(tmp_path, [line("1", 0)], [line("2", 1), line("3", 0)], [line("4", 2), line("5", 0)])
    assert land(folder, last=2)[0]["reopen"] == {str(DAYS[0]): round(2 / 3, 4)}


def test_a_night_lands_the_same_bytes_when_later_nights_deliver_older_lines(tmp_path):
    folder = deliver(tmp_path, [line("1", 0)], [line("2", 1)])
    _, store = land(folder)
    before = [read_manifest(store, "events", day).files for day in DAYS[:2]]
    land(deliver(folder, [line("1", 0)], [line("2", 1)], [line("3", 2), line("9", 0), line("1", 0, n=5)]), last=2)
    assert [read_manifest(store, "events", day).files for day in DAYS[:2]] == before


def test_a_line_from_the_future_is_refused_with_the_reason(tmp_path):
    folder = deliver(tmp_path, [line("1", 0), line("2", 1)], [line("3", 1)])
    with pytest.raises(Refused, match="1 of 3 lines are refused: time is on a later day than the file's name"):
        land(folder)


@pytest.mark.parametrize(("at", "day", "taken"), [("23:58:00", 0, True), ("00:02:00", 2, False)])
def test_a_clock_that_is_minutes_wrong_over_midnight_makes_a_line_late_or_refused(tmp_path, at, day, taken):
    lines = [line(str(i), 1) for i in range(200)]
    folder = deliver(tmp_path, [line("x", 0)], [*lines, line("y", day, at=at)], [line("z", 2)])
    said, store = land(folder)
    assert ("y" in {row["basket"] for row in landed(store, 1)}) == taken
    assert said.get("unread", {}) == ({} if taken else {"are refused: time is on a later day than the file's name": 1})


def test_a_source_that_delivers_the_future_lands_nothing():
    rows = [{"day": DAYS[1], "known": DAYS[0]}, {"day": DAYS[0], "known": DAYS[0]}]
    with pytest.raises(Refused, match="1 of 2 lines that night 2024-06-01 delivered are of later days, so nothing is landed"):
        late_lines(pa.Table.from_pylist(rows, EVENTS), DAYS[0])


def test_a_line_that_is_later_than_the_mapping_allows_is_refused(tmp_path):
    mapping = DATED.replace("{kind: csv,", "{kind: csv, late_days: 1,")
    folder = deliver(tmp_path, [line("1", 0)], [line("2", 1), line("3", 0)], mapping=mapping)
    assert land(folder)[0]["late"]["lines"] == 1
    folder = deliver(folder, [line("1", 0)], [line("2", 1)], [line("3", 2), line("4", 0)], mapping=mapping)
    with pytest.raises(Refused, match="time is more days before the file's name than"):
        land(folder, last=2)


def test_lines_of_one_basket_in_one_delivery_are_added_up_and_of_two_replaced(tmp_path):
    folder = deliver(tmp_path, [line("1", 0, n=2), line("1", 0, n=-1)], [line("2", 1), line("1", 0, n=5), line("1", 0, n=1)])
    _, store = land(folder)
    assert [row["quantity"] for row in landed(store, 0)] == [1]
    touched = touched_by(store, DAYS[1], DAYS[:1])
    told = lines_of(store, touched, DAYS[:2]).to_pylist()
    assert sorted((row["basket"], row["quantity"]) for row in told) == [("1", 6), ("2", 1)]


def touched(store: Store, night: int) -> set[tuple[str, str]]:
    return {(row["household"], row["product"]) for row in touched_by(store, DAYS[night], DAYS[:night]).pairs.to_pylist()}


def test_the_same_late_line_twice_changes_nothing_the_second_time(tmp_path):
    folder = deliver(tmp_path, [line("1", 0)], [line("2", 1), line("1", 0, n=3)], [line("4", 2), line("1", 0, n=3)])
    _, store = land(folder, last=2)
    assert touched(store, 1) == {("anna", "A1")}
    assert touched(store, 2) == set()


def test_a_correction_touches_who_had_the_line_before_and_who_has_it_now(tmp_path):
    folder = deliver(tmp_path, [line("1", 0)], [line("2", 1, sku="B2"), line("1", 0, who="bert")])
    _, store = land(folder)
    assert touched(store, 1) == {("anna", "A1"), ("bert", "A1")}
    told = lines_of(store, touched_by(store, DAYS[1], DAYS[:1]), DAYS[:2]).to_pylist()
    assert {(row["household"], row["basket"]) for row in told} == {("bert", "1"), ("anna", "2")}


def test_a_correction_of_a_line_never_seen_is_a_late_line(tmp_path):
    folder = deliver(tmp_path, [line("1", 0)], [line("2", 1), line("7", 0, who="carl", n=0)])
    _, store = land(folder)
    assert touched(store, 1) == {("carl", "A1")}


def test_a_receipt_number_that_comes_again_on_another_day_is_no_correction(tmp_path):
    folder = deliver(tmp_path, [line("1", 0)], [line("1", 1, n=4)])
    said, store = land(folder)
    assert "late" not in said and late_nights(store, DAYS[:2]) == []


def test_the_check_of_a_shop_counts_the_lines_that_come_late(tmp_path):
    source = shop(deliver(tmp_path, [line("1", 0)], [line("2", 1), line("3", 0)]))
    assert "1 line of an earlier day than the file" in describe(look(source.place, source.mapping, 0), "here")


def test_a_night_with_late_lines_is_built_alone():
    assert in_parts(DAYS, []) == [DAYS]
    assert in_parts(DAYS, [DAYS[0], DAYS[3]]) == [[DAYS[0]], DAYS[1:3], [DAYS[3]], [DAYS[4]]]
    assert in_parts(DAYS, DAYS) == [[day] for day in DAYS]


def test_a_catalogue_keeps_the_words_of_the_latest_sale_when_an_older_one_comes_late(tmp_path):
    new = "5,anna,A1,NEW MUG,1," + f"{DAYS[1]}T10:00:00,1"
    old = "6,anna,A1,OLD MUG,1," + f"{DAYS[0]}T10:00:00,1"
    other = "7,anna,C3,CUP,1," + f"{DAYS[0]}T10:00:00,1"
    source = shop(deliver(tmp_path, [line("1", 0)], [new], [line("8", 2, sku="B2"), old, other]))
    words = [dict(zip(t["product"].to_pylist(), t["type"].to_pylist(), strict=True)) for t in map(source.catalogue, DAYS[:3])]
    assert words == [{"A1": "MUG"}, {"A1": "NEW MUG"}, {"A1": "NEW MUG", "B2": "MUG", "C3": "CUP"}]


def test_what_is_reported_after_maturity_is_no_outcome(tmp_path):
    nights = (
        [line("1", 0)],
        [line("2", 1), line("3", 0, sku="B2")],
        [line("4", 2), line("5", 0, sku="C3"), line("3", 0, sku="B2", n=0)],
    )
    clock = ReplayClock(shop(deliver(tmp_path, *nights)))
    assert clock.outcomes(DAYS[0], DAYS[1], DAYS[2]) == {"anna": {"A1", "B2"}}
    assert clock.outcomes(DAYS[0], DAYS[2], DAYS[2]) == {"anna": {"A1", "C3"}}
    assert clock.outcomes(DAYS[2], DAYS[2], DAYS[2]) == {"anna": {"A1"}}
    assert clock.baskets_of(DAYS[1]) == {"anna": ["A1"]}
