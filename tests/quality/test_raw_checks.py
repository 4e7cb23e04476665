"""Raw events that cannot be trusted are refused with a sentence; odd ones are reported."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from include.errors import Refused
from include.parquet import write_canonical
from include.quality.expectations import judge
from include.quality.outcome import Outcome
from include.quality.raw_checks import raw_checks
from include.quality.raw_profile import raw_profile
from include.sources.source import EVENTS, PRODUCTS
from include.store.objects import Store, open_store
from include.store.partitions import publish

NIGHT = dt.date(2017, 4, 2)
WEEKS = [NIGHT - dt.timedelta(weeks=week) for week in range(1, 5)]


def events(night: dt.date, rows: int = 200) -> pa.Table:
    at = dt.datetime(night.year, night.month, night.day, 15, tzinfo=dt.UTC)
    line = {"store": "s1", "day": night, "at": at, "quantity": 1, "cents": 99, "discount_cents": 0}
    own = [{"household": f"secret-{i % 40}", "product": f"p{i % 20}", "basket": f"b{i}"} for i in range(rows)]
    return pa.Table.from_pylist([line | keys for keys in own], EVENTS)


def put(store: Store, folder: Path, dataset: str, night: dt.date, table: pa.Table) -> None:
    path = write_canonical(table, folder / "file.parquet")
    publish(store, dataset, night, {"f.parquet": path}, rows=table.num_rows, columns={}, inputs={}, spec="", transform="")


@pytest.fixture
def look(tmp_path) -> Callable[..., Outcome]:
    """Judge one night's table against four ordinary weeks before it."""
    store = open_store(str(tmp_path / "store"))
    shelf = [{"product": f"p{i}", "merchandise": True} for i in range(20)]
    put(store, tmp_path, "products", WEEKS[-1], pa.Table.from_pylist(shelf, PRODUCTS))
    for week in WEEKS:
        put(store, tmp_path, "events", week, events(week))

    def judged(table: pa.Table, closed: frozenset[dt.date] = frozenset()) -> Outcome:
        put(store, tmp_path, "events", NIGHT, table)
        profile = list(raw_profile(store, [NIGHT], closed))
        names = [[n for n in profile[0][key].split(", ") if n] for key in ("names_missing", "names_wrong")]
        return judge("raw", profile, raw_checks(*names))

    return judged


def broken(table: pa.Table, column: str, values: list) -> pa.Table:
    at = table.column_names.index(column)
    return table.set_column(at, column, pa.array(values, EVENTS.field(column).type))


def with_nulls(column: str, share: float) -> pa.Table:
    table = events(NIGHT)
    empty = int(table.num_rows * share)
    return broken(table, column, [None] * empty + table[column].to_pylist()[empty:])


def critical(outcome: Outcome) -> list[str]:
    return [finding.check for finding in outcome.critical]


def test_an_ordinary_night_passes(look):
    assert look(events(NIGHT)).findings == []


@pytest.mark.parametrize("column", ["household", "product", "basket", "store"])
def test_five_percent_null_keys_are_refused_and_named(look, column):
    outcome = look(with_nulls(column, 0.05))
    assert critical(outcome) == [f"{column}_key"]
    with pytest.raises(Refused, match=rf"10 rows on 2017-04-02: no {column}.*run build_features from 2017-04-02"):
        outcome.refuse()


def test_doubled_rows_are_refused(look):
    table = events(NIGHT)
    outcome = look(pa.concat_tables([table, table.slice(0, 7)]))
    assert critical(outcome) == ["doubled"]
    assert outcome.critical[0].rows == 7


def test_a_doubled_partition_is_refused(look):
    table = events(NIGHT)
    assert critical(look(pa.concat_tables([table, table]))) == ["doubled"]


def test_a_missing_column_is_refused_by_name(look):
    outcome = look(events(NIGHT).drop_columns(["cents"]))
    assert critical(outcome) == ["columns"]
    assert "no column cents" in outcome.critical[0].what


def test_a_column_of_another_type_is_refused_by_name(look):
    table = events(NIGHT)
    at = table.column_names.index("quantity")
    outcome = look(table.set_column(at, "quantity", pa.array([1.5] * table.num_rows)))
    assert critical(outcome) == ["types"]
    assert "quantity" in outcome.critical[0].what


def test_an_empty_day_is_refused_unless_the_shop_is_closed(look):
    assert critical(look(events(NIGHT, rows=0))) == ["not_empty", "rows_near"]
    assert look(events(NIGHT, rows=0), closed=frozenset({NIGHT})).findings == []


def test_lines_of_another_day_are_refused(look):
    table = events(NIGHT)
    days = [NIGHT + dt.timedelta(days=1)] * 3 + table["day"].to_pylist()[3:]
    assert critical(look(broken(table, "day", days))) == ["other_day"]


def test_a_tenth_of_the_usual_rows_is_refused_and_less_than_half_is_a_warning(look):
    assert critical(look(events(NIGHT, rows=19))) == ["rows_near"]
    outcome = look(events(NIGHT, rows=90))
    assert critical(outcome) == []
    assert [finding.check for finding in outcome.findings] == ["rows_usual"]


def test_odd_money_and_quantities_are_warnings_with_counts(look):
    table = events(NIGHT)
    outcome = look(broken(table, "quantity", [0, 0, 500] + [1] * (table.num_rows - 3)))
    assert critical(outcome) == []
    assert {finding.check: finding.rows for finding in outcome.findings} == {"quantity_zero": 2, "quantity_large": 1}


def test_no_value_of_the_data_gets_into_the_outcome(look):
    outcome = look(with_nulls("household", 0.2))
    assert outcome.critical and "secret" not in outcome.model_dump_json()


def test_later_days_do_not_move_the_expected_rows(tmp_path):
    store = open_store(str(tmp_path / "store"))
    put(store, tmp_path, "products", WEEKS[-1], pa.Table.from_pylist([], PRODUCTS))
    for week in WEEKS:
        put(store, tmp_path, "events", week, events(week))
    put(store, tmp_path, "events", NIGHT, events(NIGHT))
    before = next(raw_profile(store, [NIGHT], frozenset()))["row_ratio"]
    put(store, tmp_path, "events", NIGHT + dt.timedelta(weeks=1), events(NIGHT, rows=9))
    assert next(raw_profile(store, [NIGHT], frozenset()))["row_ratio"] == before == 1.0
