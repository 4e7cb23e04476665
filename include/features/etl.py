"""The feature ETL as Spark transformations: the same code for one night and for a year of nights.

Partial sums of the nights asked for are cumulated over a seed: one row a key that holds its counters before the first
of these nights (state.py). One night has small partials and a seed; a whole history has none. Whole numbers only, so the
order in which Spark adds cannot show.

Lines are moved once, by household: every sum and window over a household's keys then stays where it is.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.window import Window

PAIR = ("household", "product_index")
LINE_KEYS = ("household", "product", "day")
MONEY = ("cents", "discount_cents")


def merchandise_lines(events: DataFrame, shelf: DataFrame) -> DataFrame:
    """Lines that count, by the rule of tables.RULE: household, product, basket, day, known, quantity, cents, discount_cents.

    `shelf` has the spans of nights in which a product is merchandise, see shelves.py; a line is judged by the night that
    delivered it.
    """
    sold = events.where("quantity > 0 and cents > 0 and household is not null")
    kept = sold.join(F.broadcast(shelf), "product").where("known between since and until")
    discount = F.coalesce(F.col("discount_cents"), F.lit(0)).alias("discount_cents")
    lines = kept.select("household", "product", "basket", "day", "known", "quantity", "cents", discount)
    return lines.repartition("household")


def pair_days(lines: DataFrame) -> DataFrame:
    """One row a (household, product, day) with its partial sums. A basket holds a product once: validate_raw saw to it."""
    return lines.groupBy(*LINE_KEYS).agg(
        F.count("basket").cast("int").alias("baskets"),
        F.sum("quantity").cast("int").alias("units"),
        *[F.sum(name).alias(name) for name in MONEY],
    )


def first_days(lines: DataFrame) -> DataFrame:
    """product, first_day: the first of these nights that told of a purchase of each product."""
    return lines.groupBy("product").agg(F.min("known").alias("first_day"))


def household_product(pairs: DataFrame, seed: DataFrame | None) -> DataFrame:
    """Dataset household_product of these nights. `pairs` has product_index in place of product."""
    totals = ("days_total", "units_total", "cents_total", "gap_square_total")
    rows = pairs.withColumns(
        {
            "fresh": F.lit(True),
            "days_total": F.lit(1),
            "units_total": F.col("units").cast("long"),
            "cents_total": F.col("cents"),
            "gap_square_total": F.lit(0).cast("long"),
            "first_day": F.col("day"),
        }
    )
    rows = _over(rows, seed)
    by_date = Window.partitionBy(*PAIR).orderBy("day")
    gap = F.datediff("day", "previous_day").cast("long")
    rows = rows.withColumn("previous_day", F.lag("day").over(by_date))
    rows = rows.withColumn("gap_square_total", F.col("gap_square_total") + F.coalesce(gap * gap, F.lit(0)))
    sums = {name: F.sum(name).over(by_date) for name in totals}
    return _told(rows.withColumns(sums | {"first_day": F.min("first_day").over(by_date)}))


def product(rows: DataFrame, seed: DataFrame | None) -> DataFrame:
    """Dataset product of these nights, from the rows of household_product."""
    new = F.when(F.col("days_total") == 1, 1).otherwise(0)
    needed = rows.select("product_index", "day", "days_total", "units", *MONEY).repartition("product_index")
    partial = needed.groupBy("product_index", "day").agg(
        F.count("*").cast("int").alias("buyers"),
        F.sum(new).cast("int").alias("new_buyers"),
        F.sum("units").cast("int").alias("units"),
        *[F.sum(name).alias(name) for name in MONEY],
    )
    return _cumulated(partial, seed, "product_index", ("buyers", "new_buyers", "units", *MONEY))


def household(rows: DataFrame, lines: DataFrame, seed: DataFrame | None) -> DataFrame:
    """Dataset household of these nights, from the rows of household_product and the lines (for baskets)."""
    new = F.when(F.col("days_total") == 1, 1).otherwise(0)
    partial = rows.groupBy("household", "day").agg(
        F.count("*").cast("int").alias("products"), F.sum(new).cast("int").alias("new_products"), F.sum("cents").alias("cents")
    )
    baskets = lines.groupBy("household", "day").agg(F.countDistinct("basket").cast("int").alias("baskets"))
    visits = partial.join(baskets, ["household", "day"]).withColumns({"days": F.lit(1), "first_day": F.col("day")})
    return _cumulated(visits, seed, "household", ("baskets", "products", "new_products", "cents", "days")).drop("days")


def _cumulated(partial: DataFrame, seed: DataFrame | None, key: str, names: tuple[str, ...]) -> DataFrame:
    """Add <name>_total for each name (and keep the lowest first_day where there is one)."""
    rows = partial.withColumns({f"{name}_total": F.col(name).cast("long") for name in names} | {"fresh": F.lit(True)})
    rows = _over(rows, seed)
    by_date = Window.partitionBy(key).orderBy("day")
    sums = {f"{name}_total": F.sum(f"{name}_total").over(by_date) for name in names}
    if "first_day" in partial.columns:
        sums["first_day"] = F.min("first_day").over(by_date)
    return _told(rows.withColumns(sums))


def _over(rows: DataFrame, seed: DataFrame | None) -> DataFrame:
    """The rows of these nights and, marked as not fresh, what they go on from."""
    if seed is None:
        return rows
    return rows.unionByName(seed.drop("known").withColumn("fresh", F.lit(False)), allowMissingColumns=True)


def _told(rows: DataFrame) -> DataFrame:
    """The rows of these nights without the seed, each with the night that told of it."""
    return rows.where("fresh").drop("fresh").withColumn("known", F.col("day"))
