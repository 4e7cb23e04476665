"""The counters on arrays, without Spark: however the days are split, the rows are the same."""

import datetime as dt
import random
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from include.features.counting import by_night, household, household_product, product, product_days
from include.features.etl import parts_in
from include.features.lines import LINES as LINES_READ
from include.features.lines import merchandise_lines, on_time
from include.features.parts import part_of
from include.features.shelves import SHELF
from include.features.state import newest
from include.features.tables import KEYS, SCHEMAS, SORTED
from include.parquet import write_canonical
from include.sources.late import in_force
from include.sources.source import EVENTS

START = dt.date(2024, 2, 26)
LINES = pa.schema(
    [
        *(("household", pa.string()), ("product_index", pa.int32()), ("basket", pa.string()), ("day", pa.date32())),
        *(("quantity", pa.int32()), ("cents", pa.int64()), ("discount_cents", pa.int64())),
    ]
)
LARGE = 10**13
"""Cents that no 32 bits hold."""


def some_lines(seed: int, count: int = 400) -> pa.Table:
    chance = random.Random(seed)
    rows = {}
    for _ in range(count):
        day, household, item = chance.randrange(20), f"h{chance.randrange(9)}", chance.randrange(15)
        basket = f"{household}-{day}-{chance.randrange(2)}"
        rows[basket, item] = (household, item, basket, START + dt.timedelta(days=day), chance.randrange(1, 4))
    table = [(*row, chance.choice((1, 99, LARGE)), chance.randrange(3)) for row in rows.values()]
    return pa.Table.from_pylist([dict(zip(LINES.names, row, strict=True)) for row in table], LINES)


def counted(lines: pa.Table, seeds: dict[str, pa.Table]) -> dict[str, pa.Table]:
    pairs = household_product(lines, seeds.get("household_product"))
    found = {
        "household_product": pairs,
        "household": household(pairs, lines, seeds.get("household")),
        "product": product(product_days(pairs), seeds.get("product")),
    }
    return {
        name: rows.append_column("known", rows["day"])
        .select(SCHEMAS[name].names)
        .cast(SCHEMAS[name])
        .sort_by([(key, "ascending") for key in SORTED[name]])
        for name, rows in found.items()
    }


@pytest.mark.parametrize("seed", range(6))
def test_days_counted_in_two_halves_are_those_counted_at_once(seed):
    lines, cut = some_lines(seed), START + dt.timedelta(days=3 * seed + 1)
    at_once = counted(lines, {})
    days = lines["day"].to_pylist()
    early, late = ([i for i, day in enumerate(days) if (day < cut) == before] for before in (True, False))
    first = counted(lines.take(early), {})
    second = counted(lines.take(late), {name: newest(rows, KEYS[name]) for name, rows in first.items()})
    for name, rows in at_once.items():
        both = pa.concat_tables([first[name], second[name]])
        assert both.sort_by([(key, "ascending") for key in SORTED[name]]).equals(rows), name


def test_the_order_of_the_lines_and_a_seed_of_strangers_change_nothing():
    lines = some_lines(7)
    order = random.Random(7).sample(range(len(lines)), len(lines))
    others = {name: newest(rows, KEYS[name]) for name, rows in counted(some_lines(8), {}).items()}
    renamed = [f"x{name}" for name in others["household"]["household"].to_pylist()]
    others = {"household": others["household"].set_column(0, "household", pa.array(renamed))}
    assert counted(lines.take(order), others) == counted(lines, {})


def test_no_lines_are_no_rows():
    assert {name: len(rows) for name, rows in counted(LINES.empty_table(), {}).items()} == dict.fromkeys(
        ("household_product", "household", "product"), 0
    )
    assert list(by_night(counted(LINES.empty_table(), {})["product"], "known")) == []


def test_a_row_is_dealt_to_the_part_of_its_key_and_an_empty_part_gets_an_empty_batch(tmp_path):
    where, rows = parts_in(str(tmp_path), 3), counted(some_lines(1), {})["household_product"]
    one = rows.filter(pc.equal(rows["household"], rows["household"][0]))
    assert where._seed("household_product", 0) is None
    for table in (rows, one, rows.slice(0, 0)):
        where.deal("seed/household_product", table)
        parts = [where._seed("household_product", part) for part in range(3)]
        assert sum(map(len, parts)) == len(table)
        assert all(set(part_of(part, 3)) <= {number} for number, part in enumerate(parts))


def test_a_part_that_runs_twice_leaves_the_same_files(tmp_path):
    where, lines = parts_in(str(tmp_path), 2), as_delivered(some_lines(3))
    files = []
    for place, (_, night) in enumerate(by_night(lines, "known")):
        files.append(str(write_canonical(night, tmp_path / f"{place}.parquet")))
    products = sorted(set(lines["product"].to_pylist()))
    spans = pa.table([products, [START] * len(products), [START + dt.timedelta(days=99)] * len(products)], SHELF)
    where.leave("shelf", SHELF, [spans])
    index = pa.table({"product": products, "product_index": pa.array(range(len(products)), pa.int32())})
    where.leave("index", index.schema, [index])
    tasks = (partial(where.of_nights, files), where.of_households, where.of_products)
    seen = []
    for _ in range(2):
        for task in tasks:
            for part in (0, 1, 1):
                task(part)
        seen.append({path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*.arrow")})
    assert seen[0] == seen[1]
    assert {path.parent.name for path in seen[0]} >= {"lines", "bought", "household_product", "product", "household"}


def as_delivered(lines: pa.Table) -> pa.Table:
    """Events of these lines, which all came in time."""
    names = pa.array([f"p{number}" for number in lines["product_index"].to_pylist()])
    events = lines.append_column("product", names).append_column("known", lines["day"])
    return events.select(LINES_READ.names)


def test_the_rule_by_which_a_line_counts():
    night, next_day = START, START + dt.timedelta(days=1)
    good = {"household": "h", "product": "a", "basket": "b", "day": night, "known": night, "quantity": 1, "cents": 1}
    bad = [{"quantity": 0}, {"cents": 0}, {"cents": None}, {"household": None}, {"product": "b"}, {"product": "c"}]
    events = pa.Table.from_pylist([good | one for one in ({}, {"discount_cents": 5}, {"known": next_day}, *bad)], LINES_READ)
    shelf = pa.table([["a", "b"], [night, next_day], [night, next_day]], SHELF)
    found = merchandise_lines(events, shelf)
    assert found.schema.equals(LINES_READ)
    assert found.sort_by("discount_cents").to_pylist() == [good | {"discount_cents": 0}, good | {"discount_cents": 5}]
    assert on_time(events).num_rows == len(events) - 1


def test_of_no_lines_none_are_in_force():
    late = pa.Table.from_pylist([{"basket": "b", "product": "p", "day": START, "known": START + dt.timedelta(days=1)}], EVENTS)
    assert in_force(EVENTS.empty_table(), late).num_rows == 0
