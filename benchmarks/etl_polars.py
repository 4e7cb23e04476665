"""The rival in Polars: all that build_features publishes of a year, from the source's raw files.

python benchmarks/etl_polars.py FOLDER OUT      writes OUT/<dataset>.parquet and prints {"wall", "cpu", "rss"}
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("POLARS_MAX_THREADS", "2")

import polars as pl

from benchmarks.etl_common import NO_CATEGORY, NOT_MERCHANDISE, measured

Frame = pl.DataFrame


def lines(folder: Path) -> Frame:
    """Lines that count: household, product, basket, day, quantity, cents, discount_cents."""
    catalogue = pl.scan_parquet(folder / "products.parquet").filter(
        (pl.col("product_category") != NO_CATEGORY) & ~pl.col("department").is_in(NOT_MERCHANDISE).fill_null(False)
    )
    at = pl.col("transaction_timestamp").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    cents = {"cents": "sales_value", "discount_cents": "retail_disc"}
    rows = pl.scan_parquet(folder / "transactions.parquet").join(catalogue.select("product_id"), on="product_id", how="semi")
    return (
        rows.select(
            pl.col("household_id").cast(pl.String).alias("household"),
            pl.col("product_id").cast(pl.String).alias("product"),
            pl.col("basket_id").alias("basket"),
            at.dt.convert_time_zone("America/New_York").dt.date().alias("day"),
            pl.col("quantity").cast(pl.Int32),
            *[(pl.col(column) * 100).round().cast(pl.Int64).fill_null(0).alias(name) for name, column in cents.items()],
        )
        .filter((pl.col("quantity") > 0) & (pl.col("cents") > 0) & pl.col("household").is_not_null())
        .collect()
    )


def cumulated(rows: Frame, key: str | list[str], names: tuple[str, ...]) -> Frame:
    """<name>_total of each name, over the days of a key; rows are sorted by key and day."""
    return rows.with_columns([pl.col(name).cast(pl.Int64).cum_sum().over(key).alias(f"{name}_total") for name in names])


def household_product(bought: Frame, index: Frame) -> Frame:
    keys = ["household", "product_index"]
    money = [pl.col(name).sum() for name in ("cents", "discount_cents")]
    rows = bought.join(index.select("product", "product_index"), on="product").group_by(*keys, "day")
    rows = rows.agg(pl.len().cast(pl.Int32).alias("baskets"), pl.col("quantity").sum().alias("units"), *money)
    rows = cumulated(rows.sort(*keys, "day"), keys, ("units", "cents"))
    rows = rows.with_columns(
        pl.col("day").alias("known"),
        pl.col("day").shift(1).over(keys).alias("previous_day"),
        pl.col("day").first().over(keys).alias("first_day"),
        pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over(keys).alias("days_total"),
    )
    gap = (pl.col("day") - pl.col("previous_day")).dt.total_days().fill_null(0)
    return rows.with_columns((gap * gap).cum_sum().over(keys).alias("gap_square_total"))


def product(rows: Frame) -> Frame:
    money = [pl.col(name).sum() for name in ("units", "cents", "discount_cents")]
    new = (pl.col("days_total") == 1).sum().cast(pl.Int32).alias("new_buyers")
    days = rows.group_by("product_index", "day").agg(pl.len().cast(pl.Int32).alias("buyers"), new, *money)
    days = days.sort("product_index", "day").with_columns(pl.col("day").alias("known"))
    return cumulated(days, "product_index", ("buyers", "new_buyers", "units", "cents", "discount_cents"))


def household(rows: Frame, bought: Frame) -> Frame:
    new = (pl.col("days_total") == 1).sum().cast(pl.Int32).alias("new_products")
    days = rows.group_by("household", "day").agg(pl.len().cast(pl.Int32).alias("products"), new, pl.col("cents").sum())
    baskets = bought.group_by("household", "day").agg(pl.col("basket").n_unique().cast(pl.Int32).alias("baskets"))
    days = days.join(baskets, on=["household", "day"]).sort("household", "day")
    days = cumulated(days, "household", ("baskets", "products", "new_products", "cents"))
    return days.with_columns(
        pl.col("day").alias("known"),
        pl.col("day").first().over("household").alias("first_day"),
        pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over("household").alias("days_total"),
    )


def run(folder: Path, out: Path) -> None:
    """Write the four datasets, one file each."""
    out.mkdir(parents=True, exist_ok=True)
    bought = lines(folder)
    index = bought.group_by("product").agg(pl.col("day").min().alias("first_day")).sort("first_day", "product")
    index = index.with_columns(pl.int_range(pl.len(), dtype=pl.Int32).alias("product_index"))
    pairs = household_product(bought, index)
    made = {
        "product_index": index,
        "household_product": pairs,
        "product": product(pairs),
        "household": household(pairs, bought),
    }
    for name, frame in made.items():
        frame.write_parquet(out / f"{name}.parquet")


if __name__ == "__main__":
    measured(run, Path(sys.argv[1]), Path(sys.argv[2]))
