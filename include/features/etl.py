"""The feature ETL in Spark: the same code for one night and for a year of nights, on one machine and on a cluster.

Spark deals nights, then whole households, then whole products to its Python workers, in parts of about the same size. What a
part comes to is computed there on arrays (parts.py, lines.py, counting.py), and goes from workers to workers through files of
the run's folder: no row becomes an object of the JVM, and each is made, sorted and written once.
"""

from collections.abc import Callable, Iterable, Iterator

import pyarrow as pa
from pyspark import cloudpickle
from pyspark.sql import SparkSession
from pyspark.sql.types import LongType, StructField, StructType

from include.features import counting, lines, parts
from include.features.parts import Parts
from include.features.tables import SCHEMAS

NOTHING = StructType([StructField("id", LongType())])
"""What a task gives back: no rows of this. (Of a text, Spark's server would be asked what it means.)"""


def parts_in(folder: str, number: int) -> Parts:
    """What the workers are told."""
    return Parts(folder, SCHEMAS, number)


def in_workers(spark: SparkSession, where: Parts, task: Callable[[int], None]) -> None:
    """Let the workers do a task for each part."""
    for module in (counting, lines, parts):
        cloudpickle.register_pickle_by_value(module)

    def each(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for part in batch["id"].to_pylist():
                task(part)
        return iter(())

    spark.range(0, where.number, 1, where.number).mapInArrow(each, NOTHING).collect()
