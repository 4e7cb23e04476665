"""The feature ETL in Spark: the same code for one night and for a year of nights, on one machine and on a cluster.

Spark reads the lines, applies the rule by which one counts, and brings together all lines of a household and then all rows of
a product, in parts of about the same size. What a part comes to is computed on arrays in Spark's Python workers (parts.py,
counting.py): rows are few columns while they move, and each is made, sorted and written once.
"""

from pyspark import cloudpickle
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from include.features import counting, parts
from include.features.parts import Parts
from include.features.tables import SCHEMAS

LINE = ("household", "product_index", "basket", "day", "quantity", "cents", "discount_cents")
"""What is counted of a line."""


def parts_in(folder: str, number: int) -> Parts:
    """What the workers are told."""
    return Parts(folder, SCHEMAS, number)


def merchandise_lines(events: DataFrame, shelf: DataFrame) -> DataFrame:
    """Lines that count, by the rule of tables.RULE: household, product, basket, day, known, quantity, cents, discount_cents.

    `shelf` has the spans of nights in which a product is merchandise, see shelves.py; a line is judged by the night that
    delivered it.
    """
    sold = events.where("quantity > 0 and cents > 0 and household is not null")
    kept = sold.join(F.broadcast(shelf), "product").where("known between since and until")
    discount = F.coalesce(F.col("discount_cents"), F.lit(0)).alias("discount_cents")
    return kept.select("household", "product", "basket", "day", "known", "quantity", "cents", discount)


def first_days(lines: DataFrame) -> DataFrame:
    """product, first_day: the first of these nights that told of a purchase of each product."""
    return lines.groupBy("product").agg(F.min("known").alias("first_day"))


def numbered(lines: DataFrame, index: DataFrame) -> DataFrame:
    """LINE of lines that count. `index` has product and product_index."""
    return lines.join(F.broadcast(index), "product").select(*LINE)


def count(lines: DataFrame, where: Parts) -> None:
    """Let the workers write household_product, household and product of the days of these LINEs."""
    for module in (counting, parts):
        cloudpickle.register_pickle_by_value(module)
    households = lines.withColumn("part", (F.crc32("household") % where.number).cast("int"))
    products = lines.sparkSession.range(where.number).select(F.col("id").cast("int").alias("part"))
    for dealt, task in ((households, where.of_households), (products, where.of_products)):
        dealt.repartitionById(where.number, "part").mapInArrow(task, "part int").toArrow()
