"""The feature store's history read by Spark: what asof.History answers, for a shop whose counters outgrow one machine.

Only the products of a night, and the histories of the households asked for, reach this process.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Self

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.window import Window as Over

from include.errors import Refused
from include.features.algebra import Expr, Lookup, Since, Total
from include.features.asof import CONTENT
from include.features.chain import Night, read_nights
from include.features.holidays import facts
from include.features.kinds import DATASET
from include.features.lookups import TABLES
from include.features.numpy_engine import night_features
from include.features.spark_engine import SparkNights, told
from include.features.spec import FeatureSpec
from include.features.tables import KEYS, SCHEMAS
from include.store.many import each
from include.store.objects import Store


class SparkHistory:
    """All that was published up to a night, as far as a spec reads it; see asof.History for the meaning of each answer."""

    def __init__(self, spark: SparkSession, store: Store, nights: list[Night], spec: FeatureSpec, country: str) -> None:
        self.store = store
        self.spec = spec
        self.country = country
        self.first, self.night = nights[0].night, nights[-1].night
        self.id_map = nights[-1].complete.id_map
        self.spark = spark
        self.rows = {"product_index": self._read("product_index", nights)}
        self.rows |= {name: self._told(name, nights).persist() for name in DATASET.values()}

    @classmethod
    def load(cls, spark: SparkSession, store: Store, night: dt.date, spec: FeatureSpec, country: str = "") -> Self:
        """Find every partition up to the night; each file's digest is checked. Raises as asof.History.load does."""
        return cls(spark, store, read_nights(store, night), spec, country)

    def _read(self, dataset: str, nights: list[Night]) -> DataFrame:
        files = [file.sha256 for night in nights for file in night.parts[dataset].files]
        paths = [path.resolve().as_uri() for path in each(self.store, self.store.fetch, files)]
        return self.spark.read.schema(from_arrow_schema(SCHEMAS[dataset])).parquet(*paths)

    def _told(self, dataset: str, nights: list[Night]) -> DataFrame:
        wanted = dict.fromkeys((*KEYS[dataset], "day", "known", "cents", "cents_total", *self.spec.counters[dataset]))
        return told(self._read(dataset, nights).select(*wanted), KEYS[dataset])

    def view(self, night: dt.date) -> "SparkView":
        """The shop as of a night within what was found."""
        if not self.first <= night <= self.night:
            raise Refused(f"Night {night} is not within {self.first} to {self.night}", "Load the history up to that night")
        return SparkView(self, night)

    def at(self, nights: Sequence[dt.date]) -> SparkNights:
        """The frames of some nights."""
        return SparkNights(self.spark, self.rows, nights, lambda name, night: TABLES[name].read(self.store, night))

    def bought(self, first: dt.date, last: dt.date) -> dict[str, set[int]]:
        """Household -> indexes of the products that it bought from first to last, as known at the end of `last`."""
        if last > self.night:
            raise Refused(f"Purchases up to {last} are not known on night {self.night}", "Load the history up to that day")
        rows = self.at([last]).in_force("pair", None).where(F.col("day").between(first, last))
        found: dict[str, set[int]] = defaultdict(set)
        table = rows.select("household", "product_index").distinct().toArrow()
        for household, product in zip(table["household"].to_pylist(), table["product_index"].to_pylist(), strict=True):
            found[household].add(product)
        return dict(found)


class SparkView:
    """The shop as of one night; asof.NightView says what each answer is."""

    def __init__(self, history: SparkHistory, night: dt.date) -> None:
        self.night = night
        self.spec = history.spec
        self._history = history
        self._nights = history.at([night])

    @cached_property
    def _index(self) -> pa.Table:
        known = self._history.rows["product_index"].where(F.col("first_day") <= F.lit(self.night))
        return known.select("product_index", "product").toArrow().sort_by("product_index")

    @cached_property
    def product_ids(self) -> list[str]:
        return self._index["product"].to_pylist()

    @cached_property
    def _products(self) -> dict[Expr, pa.ChunkedArray]:
        """Every expression that is asked of products, in the order of their indexes."""
        values = [Total("new_buyers"), *(value for _, value in self.spec.chosen["product"])]
        values = list(dict.fromkeys([*values, *(Lookup("catalogue", name) for name in CONTENT)]))
        rows = self._nights.features("product", values).toArrow().sort_by("product_index")
        return {value: rows[f"v{i}"] for i, value in enumerate(values)}

    @property
    def universe(self) -> np.ndarray:
        return self._products[Total("new_buyers")].to_numpy() >= self.spec.universe_households

    @property
    def product_features(self) -> np.ndarray:
        return _matrix([self._products[value] for _, value in self.spec.chosen["product"]], len(self._index))

    @property
    def content(self) -> dict[str, np.ndarray]:
        return {name: self._products[Lookup("catalogue", name)].to_numpy() for name in CONTENT}

    @cached_property
    def households(self) -> list[str]:
        return sorted(self._nights.features("household", []).toArrow()["household"].to_pylist())

    def household_inputs(self, households: Sequence[str], slots: int) -> dict[str, np.ndarray]:
        """As asof.NightView.household_inputs."""
        place = {household: row for row, household in enumerate(dict.fromkeys(households))}
        asked = pa.table({"household": pa.array(list(place), pa.string())})
        asked = self._nights.local(asked.append_column("night", pa.array([self.night] * len(asked), pa.date32())))
        again = np.array([place[household] for household in households], np.int64)
        inputs = self._histories(asked, place, slots) | {"household_features": self._visits(asked, place)}
        for name, (_, value) in zip(self.spec.columns.sequences, self.spec.chosen["sequences"], strict=True):
            inputs[name] = self._sequence(asked, place, value)
        width = max(1, int((inputs["history_product"] >= 0).sum(axis=1).max(initial=0)))
        inputs |= {name: inputs[name][:, :width] for name in ("history_product", "history_features")}
        return {name: values[again] for name, values in inputs.items()}

    def _histories(self, asked: DataFrame, place: dict[str, int], slots: int) -> dict[str, np.ndarray]:
        values = [value for _, value in self.spec.chosen["history"]]
        rows = self._nights.features("pair", [*values, Since("last"), Total("days")], asked)
        recency, times = (F.col(f"v{len(values) + i}") for i in range(2))
        order = Over.partitionBy("night", "household").orderBy(recency, times.desc(), "product_index")
        table = rows.withColumn("slot", F.row_number().over(order) - 1).where(F.col("slot") < slots).toArrow()
        row, slot = _places(table, place), table["slot"].to_numpy()
        width = int(slot.max(initial=0)) + 1
        product = np.full((len(place), width), -1, np.int32)
        features = np.zeros((len(place), width, len(values)), np.float32)
        product[row, slot] = table["product_index"].to_numpy()
        features[row, slot] = _matrix([table[f"v{i}"] for i in range(len(values))], len(table))
        return {"history_product": product, "history_features": features}

    def _visits(self, asked: DataFrame, place: dict[str, int]) -> np.ndarray:
        chosen = self.spec.chosen["household"]
        out = np.zeros((len(place), len(chosen)), np.float32)
        own = [i for i, (entity, _) in enumerate(chosen) if entity == "household"]
        table = self._nights.features("household", [chosen[i][1] for i in own], asked).toArrow()
        values = _matrix([table[f"v{i}"] for i in range(len(own))], len(table))
        out[np.ix_(_places(table, place), np.array(own, np.int64))] = values
        of_night = [i for i, (entity, _) in enumerate(chosen) if entity == "night"]
        out[:, of_night] = night_features([chosen[i][1] for i in of_night], facts(self.night, self._history.country))
        return out

    def _sequence(self, asked: DataFrame, place: dict[str, int], value: Any) -> np.ndarray:
        rows = self._nights.in_force("pair", asked).withColumn("age", F.datediff("night", "day"))
        order = Over.partitionBy("night", "household").orderBy("age", "product_index")
        rows = rows.withColumn("slot", F.row_number().over(order) - 1).where(F.col("slot") < value.k)
        table = rows.select("household", "slot", F.col("age" if value.what == "age" else "product_index").alias("v")).toArrow()
        out = np.full((len(place), value.k), -1, np.int32)
        out[_places(table, place), table["slot"].to_numpy()] = table["v"].to_numpy()
        return out


def _places(table: pa.Table, place: dict[str, int]) -> np.ndarray:
    return np.array([place[household] for household in table["household"].to_pylist()], np.int64)


def _matrix(columns: Sequence[pa.ChunkedArray], rows: int) -> np.ndarray:
    """float32 [rows, F]."""
    out = np.empty((rows, len(columns)), np.float32)
    for i, column in enumerate(columns):
        out[:, i] = column.cast(pa.float64()).to_numpy()
    return out
