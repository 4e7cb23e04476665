"""Raw events that cannot be trusted are set aside or refused with a sentence; odd ones are reported."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from include.errors import Refused
from include.parquet import write_canonical
from include.quality import profiles
from include.quality.expectations import judge
from include.quality.line_rules import LINE_RULES
from include.quality.outcome import Outcome
from include.quality.raw_checks import raw_checks
from include.quality.raw_nights import RawNights
from include.sources.source import EVENTS, PRODUCTS, Usual
from include.store.objects import Store, open_store
from include.store.partitions import publish, read_manifest

NIGHT = dt.date(2017, 4, 9)
WEEKS = [NIGHT - dt.timedelta(weeks=week) for week in range(1, 9)]
USUAL = Usual(zone="America/New_York")


def events(night: dt.date, rows: int = 1200) -> pa.Table:
    """A quiet day: 150 households, three stores, baskets of two lines over the whole day."""
    opens = dt.datetime(night.year, night.month, night.day, 13, tzinfo=dt.UTC)
    common = {"day": night, "known": night, "quantity": 1, "discount_cents": 0}
    own = [
        {
            "household": f"secret-{i // 2 % 150}",
            "product": f"p{i % 20}",
            "basket": f"{night}-{i // 2}",
            "store": f"s{i // 2 % 3}",
            "at": opens + dt.timedelta(minutes=i // 2 % 600),
            "cents": 99 + i % 7,
        }
        for i in range(rows)
    ]
    return pa.Table.from_pylist([common | line for line in own], EVENTS)


def put(store: Store, folder: Path, dataset: str, night: dt.date, table: pa.Table) -> None:
    path = write_canonical(table, folder / "file.parquet")
    publish(store, dataset, night, {"f.parquet": path}, rows=table.num_rows, columns={}, inputs={}, spec="", transform="")


def shop(folder: Path) -> Store:
    """Eight ordinary weeks that have passed."""
    store = open_store(str(folder / "store"))
    shelf = [{"product": f"p{i}", "department": f"d{i % 4}", "category": "c", "merchandise": True} for i in range(20)]
    put(store, folder, "products", WEEKS[-1], pa.Table.from_pylist(shelf, PRODUCTS))
    for week in WEEKS:
        put(store, folder, "events", week, events(week))
    nights = RawNights(store, USUAL, lambda day: False)
    list(nights.compared(WEEKS[::-1], raw_checks()))
    for night, profile in nights.profiles.items():
        profiles.keep(store, night, profile, read_manifest(store, "events", night))
    return store


Look = Callable[..., Outcome]


@pytest.fixture
def look(tmp_path) -> Look:
    """Judge one night's table against the weeks before it."""
    store = shop(tmp_path)

    def judged(table: pa.Table, closed: bool = False, night: dt.date = NIGHT) -> Outcome:
        put(store, tmp_path, "events", night, table)
        profile = list(RawNights(store, USUAL, lambda day: closed).compared([night], raw_checks()))
        names = [profile[0]["names"][kind] for kind in ("missing", "wrong")]
        return judge("raw", profile, raw_checks(*names)).outcome

    return judged


def having(table: pa.Table, column: str, values: Any) -> pa.Table:
    field = EVENTS.field(column)
    return table.set_column(table.column_names.index(column), field, pa.array(values, field.type))


def nulled(table: pa.Table, column: str, rows: range) -> pa.Table:
    return having(table, column, [None if i in rows else value for i, value in enumerate(table[column].to_pylist())])


def shifted(table: pa.Table, hours: int) -> pa.Table:
    return having(table, "at", [at + dt.timedelta(hours=hours) for at in table["at"].to_pylist()])


def one_household(table: pa.Table, share: float) -> pa.Table:
    most = int(table.num_rows * share)
    return having(table, "household", ["secret-0"] * most + table["household"].to_pylist()[most:])


def grave(outcome: Outcome) -> dict[str, str]:
    return {finding.check: finding.severity for finding in outcome.findings if finding.severity != "warn"}


def test_an_ordinary_night_passes_and_all_was_judged(look):
    outcome = look(events(NIGHT))
    assert outcome.findings == []
    assert all("_holiday" in name or name.startswith(("products__", "promotions__")) for name in outcome.unjudged)


BAD = {
    "doubled partition": (lambda t: pa.concat_tables([t, t]), "doubled", "more than once"),
    "doubled lines": (lambda t: pa.concat_tables([t, t.slice(0, 7)]), "doubled", "7 rows on 2017-04-09"),
    "empty": (lambda t: t.slice(0, 0), "not_empty", "no line at all on a day that the shop is open"),
    "a tenth": (lambda t: t.slice(0, 119), "rows_wrong", "fewer than 0.2"),
    "five percent null": (lambda t: nulled(t, "household", range(60)), "household_null", "60 rows on 2017-04-09: no household"),
    "null burst in one store": (
        lambda t: having(t, "cents", [None if s == "s1" and i < 60 else 99 for i, s in enumerate(t["store"].to_pylist())]),
        "cents_null",
        "no cents",
    ),
    "prices x 100": (lambda t: having(t, "cents", pc.multiply(t["cents"], 100)), "price_wrong", "the middle price of a line"),
    "a later day": (lambda t: having(t, "day", [NIGHT + dt.timedelta(days=1)] * 1200), "other_day", "a later business day"),
    "a future time": (lambda t: shifted(t, 24), "future", "a time after the end of the night"),
    "a clock two hours ahead": (lambda t: shifted(t, 3), "hour_wrong", "population stability index of hour"),
    "another day's clock": (lambda t: shifted(t, -15), "clock_apart", "does not lie on the line's own business day"),
    "one household": (lambda t: one_household(t, 0.2), "largest_household", "of one household"),
    "discounts turned round": (lambda t: having(t, "discount_cents", [-5] * t.num_rows), "discount_negative", "below 0"),
    "a stale catalogue": (lambda t: having(t, "product", ["new"] * 70 + t["product"].to_pylist()[70:]), "catalogue_gone", "5%"),
}


@pytest.mark.parametrize(("change", "check", "sentence"), BAD.values(), ids=BAD)
def test_a_bad_night_is_quarantined_and_named(look, change, check, sentence):
    outcome = look(change(events(NIGHT)))
    assert grave(outcome)[check] == "quarantine"
    assert set(grave(outcome).values()) == {"quarantine"}
    assert sentence in next(finding.what for finding in outcome.findings if finding.check == check)
    assert "secret" not in outcome.model_dump_json()


def test_nulls_in_one_slice_alone_are_found_where_the_whole_night_looks_well(look):
    table = events(NIGHT, 3000)
    few = [None if store == "s1" and i % 50 == 2 else store for i, store in enumerate(table["store"].to_pylist())]
    small = having(table, "store", ["kiosk" if i < 40 else store for i, store in enumerate(few)])
    outcome = look(nulled(having(table, "store", small["store"].to_pylist()), "quantity", range(20)))
    assert grave(outcome) == {"slice_nulls": "quarantine"}
    assert "store kiosk" in outcome.findings[0].what


@pytest.mark.parametrize(
    ("change", "check", "sentence"),
    [
        (lambda t: t.drop_columns(["cents"]), "columns_missing", "no column cents"),
        (lambda t: t.rename_columns(["cent" if n == "cents" else n for n in t.column_names]), "columns_missing", "cents"),
        (lambda t: t.set_column(7, "quantity", pa.array([1.5] * t.num_rows)), "columns_wrong", "another type in quantity"),
    ],
)
def test_other_columns_block_the_run(look, change, check, sentence):
    outcome = look(change(events(NIGHT)))
    assert grave(outcome)[check] == "block"
    with pytest.raises(Refused, match=sentence):
        outcome.refuse()


def test_an_empty_day_passes_where_the_shop_is_closed(look):
    assert "not_empty" not in grave(look(events(NIGHT, rows=0), closed=True))


def test_less_than_half_is_a_warning_and_nothing_more(look):
    table = events(NIGHT)
    outcome = look(table.filter(pa.array([i // 2 % 5 < 2 for i in range(table.num_rows)])))
    assert grave(outcome) == {}
    assert "rows_odd" in [finding.check for finding in outcome.findings]


def test_a_holiday_is_judged_with_a_wider_band(tmp_path):
    """Easter 2017 is a week after NIGHT: six times the lines set an ordinary night aside, and not the holiday's."""
    store, easter = shop(tmp_path), NIGHT + dt.timedelta(weeks=1)
    rows = []
    for night in (NIGHT, easter):
        put(store, tmp_path, "events", night, events(night, 7200))
        rows.append(next(RawNights(store, USUAL, lambda day: False).compared([night], raw_checks())))
    assert [row["rows_ratio"] for row in rows] == [6.0, None]
    assert [row["rows_ratio_holiday"] for row in rows] == [None, 6.0]
    broken = [{check.name for check in raw_checks() if check.broken(row)} for row in rows]
    assert "rows_wrong" in broken[0] and not {name for name in broken[1] if name.startswith("rows") and "wrong" in name}


def test_odd_money_and_quantities_are_warnings_with_counts(look):
    table = events(NIGHT)
    outcome = look(having(table, "quantity", [0, 0, 500] + [1] * (table.num_rows - 3)))
    assert grave(outcome) == {}
    assert {f.check: f.rows for f in outcome.findings} == {"paid_for_nothing": 2, "quantity_large": 1}


def test_later_days_do_not_move_what_a_night_is_held_against(tmp_path):
    store = shop(tmp_path)
    put(store, tmp_path, "events", NIGHT, events(NIGHT))

    def row() -> dict[str, Any]:
        return next(RawNights(store, USUAL, lambda day: False).compared([NIGHT], raw_checks()))

    before = row()
    later = NIGHT + dt.timedelta(weeks=1)
    put(store, tmp_path, "events", later, events(later, rows=9))
    profiles.keep(store, later, row() | {"rows_on_time": 9}, read_manifest(store, "events", later))
    assert row() == before and before["rows_ratio"] == 1.0


def test_a_night_that_broke_a_check_is_not_what_later_ones_are_held_against(tmp_path):
    """The same in one range as night by night."""
    store, nights = shop(tmp_path), [NIGHT + dt.timedelta(weeks=week) for week in range(3)]
    for night in nights:
        table = events(night)
        put(
            store,
            tmp_path,
            "events",
            night,
            having(table, "cents", pc.multiply(table["cents"], 100)) if night == NIGHT else table,
        )
    rows = list(RawNights(store, USUAL, lambda day: False).compared(nights, raw_checks()))
    alone = [next(RawNights(store, USUAL, lambda day: False).compared([night], raw_checks())) for night in nights]
    assert [row["price_ratio"] > 5 for row in rows] == [True, False, False]
    assert [row["price_ratio"] for row in rows] == [row["price_ratio"] for row in alone]


def test_too_little_to_compare_is_listed_as_not_judged_and_never_as_a_pass(tmp_path):
    store = open_store(str(tmp_path / "store"))
    put(store, tmp_path, "products", NIGHT, pa.Table.from_pylist([{"product": "p0", "merchandise": True}], PRODUCTS))
    put(store, tmp_path, "events", NIGHT, events(NIGHT))
    outcome = judge(
        "raw", list(RawNights(store, USUAL, lambda day: False).compared([NIGHT], raw_checks())), raw_checks()
    ).outcome
    assert {"rows_wrong", "price_wrong", "hour_wrong"} <= set(outcome.unjudged)


def test_every_rule_has_a_name_of_its_own_and_an_explanation():
    checks = raw_checks()
    assert len({check.name for check in checks}) == len(checks)
    assert all(check.why for check in checks) and all(rule.why for rule in LINE_RULES)


def test_a_check_that_cannot_be_carried_out_is_a_defect_and_not_a_fault_of_the_data(look, monkeypatch):
    import great_expectations as gx

    def broken(*args: Any, **kwargs: Any) -> Any:
        raise OSError("the engine is broken")

    monkeypatch.setattr(gx.expectations.ExpectColumnMaxToBeBetween, "_validate", broken)
    with pytest.raises(RuntimeError, match="could not be carried out"):
        look(events(NIGHT))
