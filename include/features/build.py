"""One build: from landed partitions to a run's own folder of feature files, nothing visible yet.

<out>/build.json                     which nights were built, which were left alone and why
<out>/<dataset>/<night>.parquet      one canonical file a dataset and night
<out>/state/<night>/<dataset>.parquet    what later nights go on from, after every night that keeps it
"""

import datetime as dt
import json
import logging
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads
import pyarrow.parquet as pq

from include.errors import Refused
from include.features import chain
from include.features.chain import inputs_of, stands_on
from include.features.restate import Touched, in_parts, late_nights, lines_of, touched_by
from include.features.shelves import SHELF, shelf_spans
from include.features.state import Past, find_past, state_schema, write_states
from include.features.tables import COMPLETE, DATASETS, KEYS, SCHEMAS, SORTED
from include.parquet import write_canonical
from include.sources.source import EVENTS
from include.store.many import each
from include.store.objects import Store
from include.store.partitions import fetch, find_manifest, list_nights, read_manifest

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from include.features.retold import Retold

NIGHT_OF = {"product_index": "first_day", "household_product": "known", "product": "known", "household": "known"}
"""The column that names the night of a row's partition."""

GRAIN = 400_000
"""Raw lines a task: fewer only split what is small already, more would not fit a small driver at ten times the panel."""

log = logging.getLogger("nightfill")


@dataclass
class Build:
    """What one build did. `inputs` are digests by night of what it read, `previous` of the night that it stands on."""

    nights: list[dt.date]
    skipped: list[dt.date]
    rows: dict[str, int] = field(default_factory=dict)
    inputs: dict[str, dict[str, str]] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        (folder / "build.json").write_text(json.dumps(asdict(self), default=str))

    @classmethod
    def read(cls, folder: Path) -> "Build":
        """What a build left in its folder. Raises Refused when there is none."""
        try:
            value = json.loads((folder / "build.json").read_text())
        except FileNotFoundError:
            raise Refused(f"There is no build in {folder}", "Run build_features of this run first") from None
        dates = {name: [dt.date.fromisoformat(text) for text in value[name]] for name in ("nights", "skipped")}
        return cls(**dates, rows=value["rows"], inputs=value["inputs"])


def stale_nights(store: Store, nights: Sequence[dt.date], rebuild: bool = False) -> list[dt.date]:
    """Those of the nights that have to be built: from the first whose inputs differ from what it was made from.

    Raises:
        Refused: the night before is missing, or later nights stand on the ones that would change.
    """
    previous, at = stands_on(store, nights[0]), 0
    while not rebuild and at < len(nights):
        found = find_manifest(store, COMPLETE, nights[at])
        if found is None or found.stale_key != chain.stale_key(inputs_of(store, nights[at], previous)):
            break
        previous, at = found.digest, at + 1
    stale = list(nights[at:])
    if stale and not rebuild and find_manifest(store, COMPLETE, stale[0]):
        refuse_under_later(store, stale[0], nights[-1])
    return stale


def refuse_under_later(store: Store, first: dt.date, last: dt.date) -> None:
    """Refuse to change nights that published later ones stand on."""
    known = list_nights(store, COMPLETE)
    if known and known[-1] > last:
        raise Refused(
            f"The inputs of night {first} have changed, and nights up to {known[-1]} stand on what it was",
            f"Run build_features in range mode from {first} to {known[-1]}",
        )


def raw_inputs(store: Store, nights: Sequence[dt.date]) -> dict[str, dict[str, str]]:
    """What the ETL reads of each night, and what the first one stands on."""
    previous = {nights[0]: stands_on(store, nights[0])} if nights else {}
    found = each(store, lambda night: inputs_of(store, night, previous.get(night, "")), nights)
    return {str(night): inputs for night, inputs in zip(nights, found, strict=True)}


class Builder:
    """Runs the ETL for stale nights in one Spark session.

    Args:
        out: the run's own folder; replaced whole when the build is done, absent until then.
    """

    def __init__(self, spark: "SparkSession", store: Store, out: Path) -> None:
        self.spark = spark
        self.store = store
        self.out = out
        self.temporary = out.with_name(f"{out.name}.part")

    def build(self, nights: Sequence[dt.date], skipped: Sequence[dt.date] = ()) -> Build:
        """Build these nights (consecutive, the one before them published)."""
        shutil.rmtree(self.temporary, ignore_errors=True)
        shutil.rmtree(self.out, ignore_errors=True)
        self.temporary.mkdir(parents=True)
        read = raw_inputs(self.store, nights)
        past = find_past(self.store, nights[0])
        counts, so_far = Counter[str](), past
        for part in in_parts(nights, late_nights(self.store, nights)):
            counts.update(self._part(part, so_far))
            so_far = so_far.then(self.temporary, part)
        write_states(past, self.temporary, nights)
        done = Build(list(nights), list(skipped), dict(counts), read)
        done.write(self.temporary)
        self.temporary.rename(self.out)
        return done

    def _part(self, nights: Sequence[dt.date], past: Past) -> dict[str, int]:
        """Build nights that go on from each other; returns the number of rows by dataset."""
        from include.features import etl

        since = time.time()
        self._tasks = 1 + sum(each(self.store, self._rows_of, nights)) // GRAIN
        self.spark.conf.set("spark.sql.shuffle.partitions", str(self._tasks))
        lines = self._lines(nights).cache()
        again = self._again(nights, past)
        try:
            self._number(lines.unionByName(again.lines) if again else lines, past, nights)
            self._say("lines and new products", since)
            pairs = etl.pair_days(lines).join(self._numbered(), "product").drop("product")
            rows = etl.household_product(pairs, self._seed("household_product", past, nights))
            counts = {"product_index": self._split("product_index", [self._fresh], nights)}
            rows = again.household_product(rows, self._numbered()) if again else rows
            counts["household_product"] = self._write("household_product", rows, nights)
            self._say("household_product", since)
            rows = self._read([self._computed("household_product")], SCHEMAS["household_product"])
            products = etl.product(rows, self._seed("product", past, nights))
            counts["product"] = self._write("product", again.product(products) if again else products, nights)
            self._say("product", since)
            visits = etl.household(rows, lines, self._seed("household", past, nights))
            counts["household"] = self._write("household", again.household(visits) if again else visits, nights)
            self._say("household", since)
        finally:
            lines.unpersist()
            if again:
                again.close()
        shutil.rmtree(self.temporary / "spark")
        return counts

    def _again(self, nights: Sequence[dt.date], past: Past) -> "Retold | None":
        """What a night with late lines tells again, or None."""
        from include.features import etl
        from include.features.retold import Retold

        if not late_nights(self.store, nights):
            return None
        before = [*chain.nights_before(self.store, past.built[0] if past.built else nights[0]), *past.built]
        touched = touched_by(self.store, nights[0], before)
        whole = lines_of(self.store, touched, [*before, *nights])
        path = write_canonical(whole, self.temporary / "spark" / "again.parquet")
        shelf = write_canonical(shelf_spans(self.store, [*before, *nights]), self.temporary / "spark" / "shelves.parquet")
        lines = etl.merchandise_lines(self._read([path], EVENTS), self._read([shelf], SHELF))
        return Retold(nights[0], lines, lambda dataset: self._keys(dataset, touched, past))

    def _keys(self, dataset: str, touched: Touched, past: Past) -> "tuple[DataFrame, DataFrame]":
        """The touched keys of a dataset, and those of them that had purchases before."""
        found = touched.keys(dataset, self._index)
        near = past.newest(dataset, pc.field(KEYS[dataset][0]).isin(found[KEYS[dataset][0]].unique()))
        stood = near.select(KEYS[dataset]).join(found, list(KEYS[dataset]), join_type="left semi")
        return self._keep(f"touched-{dataset}", found), self._keep(f"stood-{dataset}", stood)

    def _keep(self, name: str, table: pa.Table) -> "DataFrame":
        return self._read([write_canonical(table, self.temporary / "spark" / f"{name}.parquet")], table.schema)

    def _say(self, what: str, since: float) -> None:
        log.info("%s done after %.0f s", what, time.time() - since)

    def _read(self, paths: Sequence[Path], schema: pa.Schema) -> "DataFrame":
        from pyspark.sql.pandas.types import from_arrow_schema

        return self.spark.read.schema(from_arrow_schema(schema)).parquet(*[path.resolve().as_uri() for path in paths])

    def _lines(self, nights: Sequence[dt.date]) -> "DataFrame":
        """Lines that count and came in time; each night by the catalogue as it was known on it."""
        from include.features import etl

        shelf = write_canonical(shelf_spans(self.store, nights), self.temporary / "spark" / "shelf.parquet")
        events = self._read(fetch(self.store, "events", nights), EVENTS).where("day = known")
        return etl.merchandise_lines(events, self._read([shelf], SHELF))

    def _seed(self, dataset: str, past: Past, nights: Sequence[dt.date]) -> "DataFrame | None":
        """The newest earlier row of each key that these nights can touch; None when there is none."""
        seed = past.newest(dataset, self._touched(dataset, nights))
        path = write_canonical(seed, self.temporary / "spark" / f"seed-{dataset}.parquet")
        return self._read([path], state_schema(dataset)) if seed.num_rows else None

    def _touched(self, dataset: str, nights: Sequence[dt.date]) -> pc.Expression:
        """Rows whose household or product occurs in the raw events of these nights: those of all their keys, and others."""
        key, raw = ("household", "household") if "household" in KEYS[dataset] else ("product_index", "product")
        events = pads.dataset([str(path) for path in fetch(self.store, "events", nights)], schema=EVENTS, format="parquet")
        values = events.to_table(columns=[raw])[raw].unique()
        if key == "product_index":
            values = self._index.filter(pc.is_in(self._index["product"], value_set=values))["product_index"].unique()
        return pc.field(key).isin(values)

    def _number(self, lines: "DataFrame", past: Past, nights: Sequence[dt.date]) -> None:
        """Give the new products their indexes, by (first day, shop id)."""
        from include.features import etl

        known = past.newest("product_index")
        bought = etl.first_days(lines).toArrow()
        fresh = bought.filter(pc.invert(pc.is_in(bought["product"], value_set=known["product"].combine_chunks())))
        fresh = fresh.sort_by([("first_day", "ascending"), ("product", "ascending")])
        numbers = pa.array(range(known.num_rows, known.num_rows + fresh.num_rows), pa.int32())
        self._fresh = fresh.append_column("product_index", numbers).select(SCHEMAS["product_index"].names)
        self._fresh = self._fresh.cast(SCHEMAS["product_index"])
        self._index = pa.concat_tables([known, self._fresh])

    def _numbered(self) -> "DataFrame":
        from pyspark.sql import functions as F

        path = write_canonical(self._index.select(["product", "product_index"]), self.temporary / "spark" / "map.parquet")
        schema = pa.schema([SCHEMAS["product_index"].field(name) for name in ("product", "product_index")])
        return F.broadcast(self._read([path], schema))

    def _computed(self, dataset: str) -> Path:
        """Where Spark leaves a dataset's rows."""
        return self.temporary / "spark" / dataset

    def _write(self, dataset: str, frame: "DataFrame", nights: Sequence[dt.date]) -> int:
        """Spark computes the rows, each night whole within one file; the canonical writer makes the night's files."""
        from pyspark.sql.pandas.types import from_arrow_schema

        folder, types = self._computed(dataset), from_arrow_schema(SCHEMAS[dataset])
        typed = frame.select(*[frame[field.name].cast(field.dataType).alias(field.name) for field in types])
        typed.repartition(self._tasks, "known").write.parquet(folder.resolve().as_uri())
        return self._split(dataset, (pq.read_table(path) for path in sorted(folder.glob("*.parquet"))), nights)

    def _rows_of(self, night: dt.date) -> int:
        return read_manifest(self.store, "events", night).rows

    def _split(self, dataset: str, tables: "Iterator[pa.Table] | list[pa.Table]", nights: Sequence[dt.date]) -> int:
        """Write one sorted file a night, an empty one for a night without rows; returns the number of rows."""
        missing, rows = set(nights), 0
        for table in tables:
            for night, part in by_night(table.cast(SCHEMAS[dataset]), NIGHT_OF[dataset], SORTED[dataset]):
                write_canonical(part, self.temporary / dataset / f"{night}.parquet")
                missing.remove(night)
                rows += part.num_rows
        for night in missing:
            write_canonical(SCHEMAS[dataset].empty_table(), self.temporary / dataset / f"{night}.parquet")
        return rows


def by_night(table: pa.Table, day: str, keys: Sequence[str]) -> Iterator[tuple[dt.date, pa.Table]]:
    """A table cut by its date column, each piece sorted by the keys."""
    table = table.sort_by([(day, "ascending"), *[(key, "ascending") for key in keys]])
    counts = sorted(table[day].value_counts().to_pylist(), key=lambda item: item["values"])
    start = 0
    for item in counts:
        yield item["values"], table.slice(start, item["counts"])
        start += item["counts"]


def night_files(folder: Path, night: dt.date) -> dict[str, Path]:
    """The files of one night in a build's folder, by dataset."""
    return {dataset: folder / dataset / f"{night}.parquet" for dataset in DATASETS}
