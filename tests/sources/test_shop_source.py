"""A shop's own files as events, catalogue and plans."""

import datetime as dt
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from include.errors import Refused
from include.sources.replay import ReplayClock
from include.sources.source import EVENTS, PRODUCTS, PROMOTIONS
from tests.sources.own_shop import HEADER, LINES, MAPPING, read_all, shop, write
from tests.sources.web_shop import WebShop, write_web_shop

DAYS = [dt.date(2024, 3, 30), dt.date(2024, 3, 31), dt.date(2024, 4, 1)]


def column(folder, name):
    return [line[name] for line in read_all(folder)]


def test_lines_come_as_events_in_order(tmp_path):
    source = shop(write(tmp_path, LINES[::-1]))
    events = source.read_events(*source.days())
    assert events.schema.equals(EVENTS)
    assert events.sort_by([(n, "ascending") for n in ("at", "basket", "product")]).equals(events)
    assert source.days() == (DAYS[0], DAYS[-1])


def test_money_is_whole_cents_without_the_error_of_binary_fractions(tmp_path):
    assert column(write(tmp_path), "cents") == [220, 333, 345, 1]
    lines = [f"{i},h,p,t,3,2024-03-30T10:00:00,{cents / 100:.2f}" for i, cents in enumerate(range(1, 2000, 7))]
    assert column(write(tmp_path, tuple(lines)), "cents") == [
        3 * int(line.rpartition(",")[2].replace(".", "")) for line in sorted(lines, key=lambda line: line.split(",")[0])
    ]


@pytest.mark.parametrize(
    ("text", "mapping", "cents"),
    [
        ('"1.234,50"', "{column: price, decimal: comma}", 246900),
        ('"1,234.50"', "{column: price}", 246900),
        ("£2.50", "{column: price}", 500),
        ("2.50", "{column: price, means: line}", 250),
        ("1e2", "{column: price}", 20000),
    ],
)
def test_prices_are_read_as_the_mapping_says(tmp_path, text, mapping, cents):
    line = f"1,anna,A1,MUG,2,2024-03-30T10:00:00,{text}"
    assert column(write(tmp_path, (line,), MAPPING.replace("{column: price, currency: GBP}", mapping)), "cents") == [cents]


@pytest.mark.parametrize(
    ("when", "form", "at", "day"),
    [
        ("2024-03-31T00:59:59", "iso", "2024-03-31T00:59:59", "2024-03-31"),
        ("2024-03-31T02:00:00", "iso", "2024-03-31T01:00:00", "2024-03-31"),
        ("2024-03-31T23:30:00Z", "iso", "2024-03-31T23:30:00", "2024-04-01"),
        ("2024-10-27T01:30:00", "iso", "2024-10-27T00:30:00", "2024-10-27"),
        ("2024-10-27T23:30:00", "iso", "2024-10-27T23:30:00", "2024-10-27"),
        ("31/12/2024 08:26", "'%d/%m/%Y %H:%M'", "2024-12-31T08:26:00", "2024-12-31"),
        ("1711929600", "unix", "2024-04-01T00:00:00", "2024-04-01"),
        ("1711929600250", "unix_ms", "2024-04-01T00:00:00.250", "2024-04-01"),
        ("2024-07-01", "'%Y-%m-%d'", "2024-06-30T23:00:00", "2024-07-01"),
    ],
)
def test_a_business_day_is_a_day_on_the_shops_clock(tmp_path, when, form, at, day):
    mapping = MAPPING.replace("time: {column: when}", f"time: {{column: when, format: {form}}}")
    (line,) = read_all(write(tmp_path, (f"1,anna,A1,MUG,1,{when},1",), mapping))
    assert line["at"] == dt.datetime.fromisoformat(at).replace(tzinfo=dt.UTC)
    assert line["day"] == dt.date.fromisoformat(day)


def test_times_of_another_clock_become_days_of_the_shops_zone(tmp_path):
    mapping = MAPPING.replace("time: {column: when}", "time: {column: when, zone: America/New_York}")
    (line,) = read_all(write(tmp_path, ("1,anna,A1,MUG,1,2024-06-01T20:00:00,1",), mapping))
    assert line["day"] == dt.date(2024, 6, 2)


def test_lines_of_one_basket_and_product_are_added_up(tmp_path):
    lines = (*LINES, "1,anna,A1,RED MUG,5,2024-03-30T09:59:00,2.00")
    first = read_all(write(tmp_path, lines))[0]
    assert (first["quantity"], first["cents"], first["at"].minute) == (7, 1220, 59)


def test_a_return_is_kept_with_a_negative_quantity_and_never_counts_as_bought(tmp_path):
    rules = 'rules: {returned: [{column: order, matches: "^C"}, {column: n, below: 0}]}\n'
    lines = (*LINES, "C4,anna,Z9,RED MUG,2,2024-04-01T10:00:00,1.00", "5,bert,Z9,RED MUG,-1,2024-04-01T11:00:00,1.00")
    folder = write(tmp_path, lines, MAPPING + rules)
    back = [line for line in read_all(folder) if line["product"] == "Z9"]
    assert [(line["quantity"], line["cents"]) for line in back] == [(-2, -200), (-1, -100)]
    bought = ReplayClock(shop(folder)).outcomes(DAYS[0], DAYS[-1], now=DAYS[-1])
    assert bought == {"anna": {"A1", "B2"}, "bert": {"A1"}}


def test_left_out_lines_and_lines_without_household_are_counted_and_are_no_fault(tmp_path):
    lines = (
        *LINES,
        "6,TEST,A1,X,1,2024-04-01T10:00:00,1",
        "7,,A1,X,1,2024-04-01T10:00:00,1",
        "8,nan,A1,X,1,2024-04-01T10:00:00,1",
    )
    source = shop(write(tmp_path, lines, MAPPING + "rules: {left_out: [{column: who, equals: [TEST]}]}\n"))
    assert source.read_events(*source.days()).num_rows == 4
    assert source.unread(*source.days()).reasons == {}
    assert sorted(source.tally(list(source.files)).lost.values()) == [1, 2]


@pytest.mark.parametrize(("word", "households"), [("leave_out", ["anna"]), ("guest", ["anna", "guest-9"])])
def test_lines_without_household_mean_what_the_mapping_says(tmp_path, word, households):
    lines = ("1,anna,A1,X,1,2024-04-01T10:00:00,1", "9,,A1,X,1,2024-04-01T10:00:00,1")
    found = column(write(tmp_path, lines, MAPPING + f"rules: {{without_household: {word}}}\n"), "household")
    assert found == households


def test_lines_without_household_are_refused_when_the_mapping_says_so(tmp_path):
    lines = (*LINES, "9,,A1,X,1,2024-04-01T10:00:00,1")
    with pytest.raises(Refused, match=r"no household \(sales.csv:6\)"):
        read_all(write(tmp_path, lines, MAPPING + "rules: {without_household: refuse}\n"))


def test_without_basket_and_store_a_day_is_a_basket_and_there_is_one_store(tmp_path):
    lines = read_all(write(tmp_path, LINES, MAPPING.replace("basket: order\n", "")))
    assert {(line["basket"], line["store"]) for line in lines} >= {("anna@2024-03-30", "shop"), ("anna@2024-04-01", "shop")}


def test_postage_is_no_merchandise(tmp_path):
    lines = (*LINES, "1,anna,POST,POSTAGE,1,2024-03-30T10:00:00,18", "1,anna,GIFT_20,VOUCHER,1,2024-03-30T10:00:00,20")
    source = shop(write(tmp_path, lines, MAPPING + 'rules: {not_merchandise: {codes: [POST], patterns: ["^GIFT"]}}\n'))
    table = source.catalogue(DAYS[-1])
    assert dict(zip(table["product"].to_pylist(), table["merchandise"].to_pylist(), strict=True)) == {
        "A1": True,
        "B2": True,
        "GIFT_20": False,
        "POST": False,
    }


def test_the_catalogue_of_a_day_says_nothing_of_later_days(tmp_path):
    source = shop(write(tmp_path, (*LINES, "4,bert,C3,NEW CLOCK,1,2024-04-01T10:00:00,1")))
    said = {day: dict(zip(*(source.catalogue(day)[n].to_pylist() for n in ("product", "type")), strict=True)) for day in DAYS}
    assert said[DAYS[0]] == {"A1": "RED MUG", "B2": "BLUE BOWL"} == said[DAYS[1]]
    assert said[DAYS[2]] == {"A1": "RED MUG XL", "B2": "BLUE BOWL", "C3": "NEW CLOCK"}
    assert [source.products(day) is not None for day in DAYS] == [True, False, True]
    assert source.products(DAYS[0]).schema.equals(PRODUCTS)


def test_a_catalogue_is_the_same_whether_later_files_are_there_or_not(tmp_path):
    mapping = MAPPING.replace("{kind: csv}", '{kind: csv, date: "%Y-%m-%d.csv"}')
    short, long = tmp_path / "short", tmp_path / "long"
    for folder, lines in ((short, LINES[:3]), (long, LINES)):
        for day in DAYS:
            if any(str(day) in line for line in lines):
                write(folder, tuple(line for line in lines if str(day) in line), mapping, f"{day}.csv")
    assert shop(short).catalogue(DAYS[1]).equals(shop(long).catalogue(DAYS[1]))
    assert shop(short).read_events(DAYS[0], DAYS[1]).equals(shop(long).read_events(DAYS[0], DAYS[1]))


def test_promotions_are_those_of_the_week_before(tmp_path):
    mapping = MAPPING + 'store: shop\npromotion: {column: offer, texts: ["1"]}\n'
    rows = [
        "order,who,sku,name,n,when,price,shop,offer",
        "1,anna,A1,M,1,2024-03-26T10:00:00,1,s1,1",
        "2,anna,A1,M,1,2024-03-27T10:00:00,1,s2,1",
        "3,anna,B2,M,1,2024-03-27T10:00:00,1,s2,0",
        "4,anna,B2,M,1,2024-04-02T10:00:00,1,s2,1",
    ]
    source = shop(write(tmp_path, "\n".join(rows), mapping))
    (plan,) = source.promotions([dt.date(2024, 3, 25), dt.date(2024, 4, 1)])
    monday, table = plan.monday, plan.promotions
    assert monday == dt.date(2024, 4, 1) and table.schema.equals(PROMOTIONS)
    assert table.to_pylist() == [{"product": "A1", "week_start": monday, "display_stores": 2, "mailer_stores": 0, "stores": 2}]
    assert list(shop(write(tmp_path / "plain")).promotions([monday])) == []


def test_csv_json_lines_and_parquet_of_the_same_lines_give_the_same_events(tmp_path):
    expected = read_all(write(tmp_path / "csv"))
    rows = [dict(zip(HEADER.split(","), line.split(","), strict=True)) for line in LINES]
    rows = [row | {"n": int(row["n"]), "price": float(row["price"])} for row in rows]
    text = "".join(json.dumps(row | {"who": {"id": row["who"]}}) + "\n" for row in rows)
    mapping = MAPPING.replace("household: who", "household: who.id").replace("csv", "jsonl")
    assert read_all(write(tmp_path / "json", text, mapping, "a.jsonl")) == expected
    folder = write(tmp_path / "parquet", "", MAPPING.replace("csv", "parquet"), "x.txt")
    whens = pa.array([dt.datetime.fromisoformat(row["when"]) for row in rows], pa.timestamp("us"))
    table = pa.Table.from_pylist(rows)
    pq.write_table(table.set_column(table.column_names.index("when"), "when", whens), folder / "a.parquet")
    assert read_all(folder) == expected


def test_ids_that_passed_through_pandas_are_whole_again(tmp_path):
    folder = write(tmp_path, "", MAPPING.replace("csv", "parquet"), "x.txt")
    rows = [{"order": 1.0, "who": 17850.0, "sku": "A", "name": "x", "n": 1, "when": "2024-03-30T10:00:00", "price": 1.1}]
    pq.write_table(pa.Table.from_pylist(rows), folder / "a.parquet")
    assert [(line["household"], line["basket"]) for line in read_all(folder)] == [("17850", "1")]


def test_the_digest_follows_bytes_and_mapping(tmp_path):
    first = shop(write(tmp_path)).digest("events")
    assert shop(tmp_path).digest("events") == first
    assert shop(write(tmp_path, LINES[:3])).digest("events") != first
    assert shop(write(tmp_path, LINES, MAPPING + "shop: Other\n")).digest("events") != first


def test_a_file_a_day_is_only_read_when_its_day_is_asked_for(tmp_path):
    folder = write_web_shop(tmp_path, WebShop(customers=5, weeks=1))
    (folder / "sales-2023-09-07.csv").write_text("this is no table")
    source = shop(folder)
    day = dt.date(2023, 9, 5)
    assert source.read_events(day, day).num_rows
    with pytest.raises(Refused, match="no column"):
        source.read_events(day, day + dt.timedelta(days=3))


def test_the_synthetic_web_shop_is_the_same_every_time(tmp_path):
    first = write_web_shop(tmp_path / "a", WebShop(customers=20, weeks=2))
    second = write_web_shop(tmp_path / "b", WebShop(customers=20, weeks=2))
    assert {p.name: p.read_bytes() for p in first.iterdir()} == {p.name: p.read_bytes() for p in second.iterdir()}


def test_a_sample_of_households_keeps_the_calendar(tmp_path):
    folder = write_web_shop(tmp_path, WebShop(customers=20, weeks=2))
    small = shop(folder, households=5)  # type: ignore[arg-type]
    assert small.days() == shop(folder).days()
    assert len(small.read_events(*small.days())["household"].unique()) == 5


@pytest.mark.parametrize(
    ("discount", "text", "cents"),
    [
        ("{column: d}", "0.50", 50),
        ("{column: d, means: unit}", "0.50", 150),
        ("{column: d, negative: true}", "-0.50", 50),
        ("{column: d}", "", 0),
    ],
)
def test_a_discount_stands_beside_what_was_paid(tmp_path, discount, text, cents):
    rows = f"{HEADER},d\n1,anna,A1,MUG,3,2024-03-30T10:00:00,2.00,{text}\n"
    (line,) = read_all(write(tmp_path, rows, MAPPING + f"discount: {discount}\n"))
    assert (line["cents"], line["discount_cents"]) == (600, cents)


@pytest.mark.parametrize(("text", "reason"), [("-1", "wrong sign"), ("much", "no amount of money")])
def test_a_discount_that_cannot_be_one_is_counted(tmp_path, text, reason):
    rows = f"{HEADER},d\n1,anna,A1,MUG,3,2024-03-30T10:00:00,2.00,{text}\n"
    source = shop(write(tmp_path, rows, MAPPING + "discount: {column: d}\n"))
    (found,) = source.tally(list(source.files)).lost
    assert reason in found


def test_a_column_put_together_from_two_is_one_meaning(tmp_path):
    rows = "till,bon,day,hour,who,sku,n,price\n1,7,30.03.2024,10:15,anna,A1,1,1\n2,7,30.03.2024,10:16,bert,A1,1,1\n"
    mapping = MAPPING.replace("basket: order", "basket: [till, bon]").replace("text: name\n", "")
    mapping = mapping.replace("{column: when}", '{column: [day, hour], format: "%d.%m.%Y %H:%M"}')
    assert [(line["basket"], line["at"].minute) for line in read_all(write(tmp_path, rows, mapping))] == [
        ("1 7", 15),
        ("2 7", 16),
    ]
