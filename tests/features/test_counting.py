"""The counters on arrays, without Spark: however the days are split, the rows are the same."""

import datetime as dt
import random

import pyarrow as pa
import pytest

from include.features.counting import by_night, household, household_product, product, product_days
from include.features.etl import parts_in
from include.features.parts import part_of
from include.features.state import newest
from include.features.tables import KEYS, SCHEMAS, SORTED
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


def test_a_seed_lies_where_the_part_of_its_key_looks(tmp_path):
    where, rows = parts_in(str(tmp_path), 3), counted(some_lines(1), {})["household_product"]
    where.write_seed("household_product", rows)
    parts = [where._seed("household_product", part) for part in range(3)]
    assert sum(len(part) for part in parts if part) == len(rows)
    assert all(set(part_of(part, 3)) == {number} for number, part in enumerate(parts) if part)
    assert where._seed("product", 0) is None


def test_of_no_lines_none_are_in_force():
    late = pa.Table.from_pylist([{"basket": "b", "product": "p", "day": START, "known": START + dt.timedelta(days=1)}], EVENTS)
    assert in_force(EVENTS.empty_table(), late).num_rows == 0
