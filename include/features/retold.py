"""A night with late lines in Spark: the rows of untouched keys as ever, and the whole histories of the touched ones."""

import datetime as dt
from collections.abc import Callable

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from include.features import etl
from include.features.tables import KEYS, SCHEMAS


class Retold:
    """What is known on a night of the households and products that its late lines touch.

    Args:
        lines: the lines that count, of all days, of these households and products.
        keys: by dataset, the touched keys, and those of them that had purchases before the night.
    """

    def __init__(self, night: dt.date, lines: DataFrame, keys: Callable[[str], tuple[DataFrame, DataFrame]]) -> None:
        self._night = night
        self._keys = keys
        self.lines = lines.cache()

    def household_product(self, fresh: DataFrame, index: DataFrame) -> DataFrame:
        """Dataset household_product of the night. `fresh` is what it would be if nothing had come late."""
        pairs = etl.pair_days(self.lines).join(index, "product").drop("product")
        self._rows = etl.household_product(pairs, None).cache()
        return self._with("household_product", fresh, self._rows)

    def product(self, fresh: DataFrame) -> DataFrame:
        """Dataset product of the night; household_product comes first."""
        return self._with("product", fresh, etl.product(self._rows, None))

    def household(self, fresh: DataFrame) -> DataFrame:
        """Dataset household of the night; household_product comes first."""
        return self._with("household", fresh, etl.household(self._rows, self.lines, None))

    def close(self) -> None:
        """Give the memory back."""
        self.lines.unpersist()
        if hasattr(self, "_rows"):
            self._rows.unpersist()

    def _with(self, dataset: str, fresh: DataFrame, again: DataFrame) -> DataFrame:
        """A key of which nothing is left has a row of zeros, so that readers forget its earlier rows."""
        touched, stood = self._keys(dataset)
        keys, names = list(KEYS[dataset]), SCHEMAS[dataset].names
        kept = fresh.join(F.broadcast(touched), keys, "left_anti").select(*names)
        told = again.join(F.broadcast(touched), keys, "left_semi").withColumn("known", F.lit(self._night)).select(*names)
        gone = stood.join(told.select(*keys).distinct(), keys, "left_anti")
        zeros = {field.name: self._zero(field) for field in SCHEMAS[dataset] if field.name not in keys}
        return kept.unionByName(told).unionByName(gone.withColumns(zeros).select(*names))

    def _zero(self, field: pa.Field) -> Column:
        if field.name == "previous_day":
            return F.lit(None).cast("date")
        if pa.types.is_date(field.type):
            return F.lit(self._night)
        return F.lit(0).cast("long" if field.type == pa.int64() else "int")
