"""The panel's adapter, on small files of the panel's form, and on the installed package where that is the point."""

import datetime as dt
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from include.errors import Refused
from include.settings import SourceSpec
from include.sources.calendar import business_days, midnights
from include.sources.complete_journey import ZONE
from include.sources.opening import open_source
from include.sources.replay import ReplayClock
from include.sources.sample import keep_households
from include.sources.source import EVENTS, PRODUCTS, PROMOTIONS
from tests.sources.panel import FIRST, write_panel


@pytest.fixture
def panel(tmp_path):
    return write_panel(tmp_path)


def source_of(folder: Path, **fields):
    return open_source(SourceSpec(folder=str(folder), **fields))


def test_lines_come_as_events_in_order(panel):
    events = source_of(panel).read_events(FIRST, FIRST + dt.timedelta(days=1))
    assert events.schema.equals(EVENTS)
    assert events.sort_by([(n, "ascending") for n in ("at", "basket", "product")]).equals(events)
    assert events["cents"].to_pylist()[0] == 129


def test_the_calendar_is_the_files_own_unless_narrowed(panel):
    assert source_of(panel).days()[0] == FIRST
    assert source_of(panel, households=1).days() == source_of(panel).days()
    assert source_of(panel, first="2017-03-12").days()[0] == dt.date(2017, 3, 12)


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("2017-03-12T04:59:59", "2017-03-11"),
        ("2017-03-12T05:00:00", "2017-03-12"),
        ("2017-03-13T03:59:59", "2017-03-12"),
        ("2017-03-13T04:00:00", "2017-03-13"),
        ("2017-11-05T03:59:59", "2017-11-04"),
        ("2017-11-06T04:59:59", "2017-11-05"),
        ("2017-11-06T05:00:00", "2017-11-06"),
    ],
)
def test_a_business_day_moves_with_the_clock(moment, day):
    at = np.array([moment], "datetime64[us]").astype(np.int64)
    assert business_days(at, ZONE)[0] == (dt.date.fromisoformat(day) - dt.date(1970, 1, 1)).days


def test_days_of_the_clock_change_have_23_and_25_hours():
    spring = np.diff(midnights(ZONE, dt.date(2017, 3, 12), dt.date(2017, 3, 12)))
    autumn = np.diff(midnights(ZONE, dt.date(2017, 11, 5), dt.date(2017, 11, 5)))
    assert [int(x) // 3_600_000_000 for x in (*spring, *autumn)] == [23, 25]


def test_merchandise_leaves_out_departments_and_lines_without_a_category(panel):
    products = source_of(panel).products(FIRST)
    assert products.schema.equals(PRODUCTS)
    assert dict(zip(products["product"].to_pylist(), products["merchandise"].to_pylist(), strict=True)) == {
        "10": True,
        "11": True,
        "20": False,
        "30": False,
        "40": False,
    }
    assert source_of(panel).products(FIRST + dt.timedelta(days=1)) is None


def test_a_doubled_promotion_counts_a_store_once(panel):
    mondays = [dt.date(2017, 3, 6), dt.date(2017, 3, 13)]
    weeks = {plan.monday: plan for plan in source_of(panel).promotions(mondays)}
    assert list(weeks) == mondays
    table = weeks[mondays[0]].promotions
    assert table.schema.equals(PROMOTIONS)
    assert table.to_pylist() == [
        {"product": "10", "week_start": mondays[0], "display_stores": 1, "mailer_stores": 2, "stores": 2},
        {"product": "11", "week_start": mondays[0], "display_stores": 0, "mailer_stores": 1, "stores": 2},
    ]
    assert weeks[mondays[1]].promotions["product"].to_pylist() == ["11"]


def test_a_sample_is_stable_and_nested():
    everybody = [str(number) for number in range(200)]
    small, large = keep_households(everybody, 20), keep_households(reversed(everybody), 50)
    assert len(small) == 20 and set(small) < set(large)


def test_the_replay_clock_refuses_the_future(panel):
    clock = ReplayClock(source_of(panel))
    end = FIRST + dt.timedelta(days=6)
    with pytest.raises(Refused, match="had not happened"):
        clock.outcomes(FIRST, end, now=end - dt.timedelta(days=1))
    assert clock.outcomes(FIRST, end, now=end) == {"1": {"10", "11"}, "2": {"10"}}


def test_the_replay_clock_sends_households_in_the_order_of_their_first_purchase(panel):
    clock = ReplayClock(source_of(panel))
    assert clock.households_of(FIRST) == ["2", "1"]
    with pytest.raises(Refused, match="outside the data"):
        clock.households_of(dt.date(2031, 1, 1))


def test_an_unknown_source_is_refused():
    with pytest.raises(Refused, match=r"no source 'attic'.*complete_journey, shop"):
        open_source(SourceSpec(name="attic"))


@pytest.mark.parametrize("name", ["transactions", "products", "promotions"])
def test_a_missing_file_is_refused_by_name(panel, name):
    (panel / f"{name}.parquet").unlink()
    with pytest.raises(Refused, match=f"{name}.parquet is missing"):
        read_all(panel)


@pytest.mark.parametrize("name", ["transactions", "products", "promotions"])
def test_an_unreadable_file_is_refused_by_name(panel, name):
    (panel / f"{name}.parquet").write_bytes(b"PAR1 this is no parquet file PAR1")
    with pytest.raises(Refused, match=f"{name}.parquet cannot be read"):
        read_all(panel)


def test_a_missing_column_is_refused_by_name(panel):
    path = panel / "transactions.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["quantity"]), path)
    with pytest.raises(Refused, match=r"transactions.parquet has no column quantity"):
        read_all(panel)


def test_a_column_of_another_type_is_refused_by_name(panel):
    path = panel / "transactions.parquet"
    table = pq.read_table(path)
    words = pa.array(["many"] * table.num_rows)
    pq.write_table(table.set_column(table.column_names.index("quantity"), "quantity", words), path)
    with pytest.raises(Refused, match=r"Column quantity .* no int32"):
        read_all(panel)


def read_all(folder: Path) -> None:
    source = source_of(folder)
    source.read_events(*source.days())
    source.products(source.days()[0])
    list(source.promotions([dt.date(2017, 3, 6)]))
