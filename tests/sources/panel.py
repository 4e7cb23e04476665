"""A panel of a handful of lines, in files of the panel's own form."""

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

FIRST = dt.date(2017, 3, 10)


def line(household: int, product: int, moment: str, quantity: int = 1, value: float = 1.29) -> dict:
    at = dt.datetime.fromisoformat(moment)
    basket = household * 1000 + at.day
    return {
        "household_id": household,
        "store_id": household,
        "basket_id": basket,
        "product_id": product,
        "quantity": quantity,
        "sales_value": value,
        "retail_disc": 0.1,
        "transaction_timestamp": at,
    }


LINES = [
    line(1, 10, "2017-03-10T18:00:00"),
    line(2, 10, "2017-03-10T15:00:00"),
    line(1, 20, "2017-03-10T18:00:00", quantity=9000),
    line(1, 10, "2017-03-11T18:00:00", quantity=0),
    line(1, 11, "2017-03-13T03:30:00"),
    line(2, 30, "2017-03-14T18:00:00"),
    line(2, 99, "2017-03-16T18:00:00"),
]
PRODUCTS = [
    (10, "GROCERY", "SOUP"),
    (11, "DELI", "CHEESE"),
    (20, "FUEL", "GAS"),
    (30, "GROCERY", "COUPON/MISC ITEMS"),
    (40, "GROCERY", None),
]
PLANS = [
    (11, 10, 1, "9", "0"),
    (11, 10, 1, "3", "A"),
    (11, 10, 2, "0", "D"),
    (11, 11, 2, "0", "A"),
    (12, 11, 2, "5", "0"),
]


DAYS = {name: dt.datetime(2017, 3, day) for name, day in (("before", 1), ("known", 12), ("bought", 14), ("over", 31))}
HOUSEHOLDS = [(1, "65+", "35-49K", None, "Married", "2", "2 Adults No Kids", "0")]
CAMPAIGNS = [(5, "Type A", DAYS["before"], DAYS["over"]), (6, "Type B", DAYS["known"], DAYS["over"])]
EXPOSED = [(5, 1), (6, 1), (6, 2)]
COUPONS = [(500, 10, 5), (600, 11, 6), (600, 30, 6), (601, 11, 6)]
REDEEMED = [(1, 600, 6, DAYS["bought"])]
EXTRAS: dict[str, tuple[tuple[str, ...], list[tuple]]] = {
    "demographics": (
        ("household_id", "age", "income", "home_ownership", "marital_status", "household_size", "household_comp", "kids_count"),
        HOUSEHOLDS,
    ),
    "campaign_descriptions": (("campaign_id", "campaign_type", "start_date", "end_date"), CAMPAIGNS),
    "campaigns": (("campaign_id", "household_id"), EXPOSED),
    "coupons": (("coupon_upc", "product_id", "campaign_id"), COUPONS),
    "coupon_redemptions": (("household_id", "coupon_upc", "campaign_id", "redemption_date"), REDEEMED),
}
"""File -> its columns and its rows."""


def write_extra(folder: Path, name: str, rows: list[tuple] | None = None) -> None:
    """Write one of the files beside purchases, catalogue and promotions, with other rows where they are given."""
    columns, usual = EXTRAS[name]
    table = pa.Table.from_pylist([dict(zip(columns, row, strict=True)) for row in (usual if rows is None else rows)])
    if name == "demographics":
        table = table.cast(pa.schema([(c, pa.int64() if c == "household_id" else pa.string()) for c in columns]))
    pq.write_table(table, folder / f"{name}.parquet")


def write_panel(folder: Path, lines: list[dict] = LINES) -> Path:
    """Write the files of a panel, and return their folder."""
    folder.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pylist(lines)
    at = table.column_names.index("transaction_timestamp")
    table = table.set_column(at, "transaction_timestamp", table["transaction_timestamp"].cast(pa.timestamp("ns")))
    pq.write_table(table, folder / "transactions.parquet")
    names = ("product_id", "department", "product_category")
    more = {"product_type": "T", "manufacturer_id": 5, "brand": "National", "package_size": None}
    products = [dict(zip(names, row, strict=True)) | more for row in PRODUCTS]
    pq.write_table(pa.Table.from_pylist(products), folder / "products.parquet")
    names = ("week", "product_id", "store_id", "display_location", "mailer_location")
    plans = [dict(zip(names, row, strict=True)) for row in PLANS]
    pq.write_table(pa.Table.from_pylist(plans), folder / "promotions.parquet")
    for name in EXTRAS:
        write_extra(folder, name)
    return folder
