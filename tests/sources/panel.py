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
        "store_id": 7,
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


def write_panel(folder: Path, lines: list[dict] = LINES) -> Path:
    """Write the three files of a panel, and return their folder."""
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
    return folder
