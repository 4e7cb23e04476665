"""Expressions over the counters of many nights at once, in Spark: the point-in-time join for a shop that outgrows one machine.

The same values as numpy_engine.py, but for the last bits of logarithms and of fading sums, which Spark adds in any order.
A row asked for is a household on a night; nothing that became known after that night is joined to it.
"""

import datetime as dt
import itertools
from collections.abc import Callable, Mapping, Sequence

import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.window import Window as Over

from include.features.algebra import Apply, Const, Decay, Expr, Key, Lookup, Of, OnLast, Since, Total, Window, Within, walk
from include.features.kinds import DATASET
from include.features.lookups import TABLES
from include.features.tables import KEYS

COUNTED = (Total, Window, OnLast, Decay, Since)


def told(rows: DataFrame, keys: Sequence[str]) -> DataFrame:
    """The rows of a dataset with a column `retold`: the night on which the key was told anew, null if it never was.

    A row whose counters hold nothing but its own sums begins its key, see told.py.
    """
    number = F.unix_date("known")
    begins = F.when(F.col("cents_total") == F.col("cents"), number)
    later = Over.partitionBy(*keys).orderBy(number).rangeBetween(1, Over.unboundedFollowing)
    return rows.withColumn("retold", F.date_from_unix_date(F.min(begins).over(later)))


class SparkNights:
    """The frames of some nights.

    Args:
        rows: what `told` gives of each dataset with counters, and product_index.
        nights: which nights are asked about.
        table: a table of lookups.py as of a night.
    """

    def __init__(
        self,
        spark: SparkSession,
        rows: Mapping[str, DataFrame],
        nights: Sequence[dt.date],
        table: Callable[[str, dt.date], pa.Table],
    ) -> None:
        self.spark = spark
        self.rows = rows
        self.nights = list(nights)
        self.numbers = itertools.count()
        self._table = table

    def features(self, entity: str, values: Sequence[Expr], asked: DataFrame | None = None) -> DataFrame:
        """night, the entity's keys, and a column v0, v1, ... for each expression, of all rows with a purchase so far.

        Args:
            asked: night and household; without it all households of all nights.
        """
        return _Frame(self, entity, values, asked).result()

    def in_force(self, entity: str, asked: DataFrame | None) -> DataFrame:
        """The rows that count as known on each night."""
        rows = self.rows[DATASET[entity]]
        if asked is None or entity == "product":
            joined = rows.crossJoin(F.broadcast(self.local(pa.table({"night": self.nights}))))
        else:
            joined = rows.join(asked.select("night", "household"), "household")
        kept = joined.where("known <= night and (retold is null or retold > night)")
        return kept if entity == "product" else kept.where("cents_total > 0")

    def local(self, table: pa.Table) -> DataFrame:
        """A small table of this process as a frame."""
        return self.spark.createDataFrame(table)

    def table(self, name: str) -> DataFrame:
        """A table of lookups.py with a column `night`, for all nights."""
        parts = [(night, self._table(name, night)) for night in self.nights]
        dated = [part.append_column("night", pa.array([night] * len(part), pa.date32())) for night, part in parts]
        return self.local(pa.concat_tables(dated))


class _Frame:
    """One entity's rows, and the columns computed so far."""

    def __init__(self, nights: SparkNights, entity: str, values: Sequence[Expr], asked: DataFrame | None) -> None:
        self.nights, self.entity, self.values, self.asked = nights, entity, values, asked
        self.keys = ("night", *KEYS[DATASET[entity]])
        self.nodes = list(dict.fromkeys(node for value in values for owner, node in walk(value, entity) if owner == entity))
        counted = [node for node in self.nodes if isinstance(node, COUNTED)]
        self.columns: dict[Expr, Column] = {node: F.col(f"c{i}") for i, node in enumerate(counted)}
        sums = [_aggregate(node).alias(f"c{i}") for i, node in enumerate(counted)]
        rows = nights.in_force(entity, asked)
        self.frame = rows.groupBy(*self.keys).agg(*sums) if sums else rows.select(*self.keys).distinct()

    def result(self) -> DataFrame:
        shown = [self.column(value).alias(f"v{i}") for i, value in enumerate(self.values)]
        return self.frame.select(*self.keys, *shown)

    def column(self, node: Expr) -> Column:
        if node not in self.columns:
            self.columns[node] = self._compile(node)
        return self.columns[node]

    def _compile(self, node: Expr) -> Column:
        match node:
            case Const(value):
                return F.lit(value)
            case Apply(op, args):
                return FUNCTIONS[op](*[self.column(arg) for arg in args])
            case Key("product"):
                return self._join(self.nights.rows["product_index"], ["product_index"], {node: "product"})
            case Key(part):
                return F.col(part)
            case Lookup():
                return self._look_up(node)
            case Of(entity):
                others = [other for other in self.nodes if isinstance(other, Of) and other.entity == entity]
                frame = self.nights.features(entity, [other.value for other in others], self.asked)
                keys = ["night", *KEYS[DATASET[entity]]]
                self._join(frame, keys, {other: f"v{i}" for i, other in enumerate(others)})
                return self.columns[node]
            case Within(group, value):
                alike = ["night", *(key for key in self.keys if key == "household")]
                return F.sum(self.column(value)).over(Over.partitionBy(*alike, self.column(group)))
        raise TypeError(f"{type(node).__name__} cannot be computed in Spark")

    def _look_up(self, node: Lookup) -> Column:
        """All columns that are looked up in one table by the same keys are joined at once."""
        keys, place = TABLES[node.table].keys, next(self.nights.numbers)
        own = {key: f"k{place}_{key}" for key in keys}
        by = [self.column(part) for part in node.by or map(Key, keys)]
        self.frame = self.frame.withColumns(dict(zip(own.values(), by, strict=True)))
        alike = [
            other for other in self.nodes if isinstance(other, Lookup) and (other.table, other.by) == (node.table, node.by)
        ]
        table = self.nights.table(node.table).withColumnsRenamed(own)
        self._join(table, ["night", *own.values()], {other: other.column for other in alike})
        return self.columns[node]

    def _join(self, other: DataFrame, keys: list[str], wanted: Mapping[Expr, str]) -> Column:
        """Join columns of another frame; where it has no such row the value is empty: "" for a text, else 0."""
        names = {node: f"j{next(self.nights.numbers)}" for node in wanted}
        texts = {name for name, kind in other.dtypes if kind == "string"}
        columns = [F.col(column).alias(names[node]) for node, column in wanted.items()]
        self.frame = self.frame.join(other.select(*keys, *columns), keys, "left")
        for node, column in wanted.items():
            self.columns[node] = F.coalesce(F.col(names[node]), F.lit("" if column in texts else 0))
        return self.columns[next(iter(wanted))]


def _aggregate(node: Expr) -> Column:
    """A counter of the rows in force; counters never fall, so the last one is the largest."""
    ago = F.datediff("night", "day")
    match node:
        case Total(counter):
            return F.max(f"{counter}_total")
        case Window(counter, days):
            total = F.col(f"{counter}_total")
            return F.max(total) - F.coalesce(F.max(F.when(ago >= days, total)), F.lit(0))
        case OnLast(counter):
            return F.max_by(counter, "day")
        case Decay(counter, tau):
            weight = F.exp(-ago / F.lit(float(tau)))
            return F.sum(weight if counter == "days" else weight * F.col(counter))
        case Since(which):
            return F.max(ago) if which == "first" else F.min(ago)
    raise TypeError(node)


def _positive(x: Column) -> Column:
    return F.greatest(x, F.lit(0))


FUNCTIONS: Mapping[str, Callable[..., Column]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: F.coalesce(a.cast("double") / F.nullif(b, F.lit(0)), F.lit(0.0)),
    "max": F.greatest,
    "min": F.least,
    "log": lambda x: F.coalesce(F.log(F.when(x > 0, x)), F.lit(0.0)),
    "log1p": lambda x: F.log1p(_positive(x)),
    "sqrt": lambda x: F.sqrt(_positive(x)),
    "tanh": F.tanh,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "eq": lambda a, b: a == b,
    "where": lambda condition, yes, no: F.when(condition, yes).otherwise(no),
}
