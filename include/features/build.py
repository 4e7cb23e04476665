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
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads

from include.errors import Refused
from include.features import chain
from include.features.chain import inputs_of, stands_on
from include.features.counters import day_number
from include.features.counting import by_night
from include.features.lines import first_days, merchandise_lines, numbered
from include.features.restate import Touched, in_parts, late_nights, lines_of, touched_by
from include.features.retold import Retold
from include.features.shelves import SHELF, shelf_spans
from include.features.state import Past, find_past, write_states
from include.features.tables import COMPLETE, DATASETS, KEYS, SCHEMAS, SORTED
from include.parquet import write_canonical
from include.sources.source import EVENTS
from include.store.many import each
from include.store.objects import Store
from include.store.partitions import fetch, find_manifest, list_nights, read_manifest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


COUNTED = ("household_product", "product", "household")
GRAIN = 400_000
"""Raw lines a part: fewer only split what is small already, more take more memory of a worker for nothing."""

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


@dataclass(frozen=True)
class Late:
    """What the late lines of a night touch, and all lines that count, of all days, of those households and products."""

    touched: Touched
    lines: pa.Table


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

        since, folder = time.time(), self.temporary / "spark"
        where = etl.parts_in(str(folder.resolve()), 1 + sum(each(self.store, self._rows_of, nights)) // GRAIN)
        events = [str(path.resolve()) for path in fetch(self.store, "events", nights)]
        where.leave("shelf", SHELF, [shelf_spans(self.store, nights)])
        etl.in_workers(self.spark, where, partial(where.of_nights, events))
        late = self._late_lines(nights, past)
        first = [where.read(f"first_days/{part}") for part in range(where.number)]
        self._number(pa.concat_tables([*first, *([first_days(late.lines)] if late else [])]), past)
        where.leave("index", self._index.schema, [self._index])
        self._say("lines", since)
        for dataset in () if past.is_empty else COUNTED:
            where.deal(f"seed/{dataset}", past.newest(dataset, self._touched(dataset, nights)))
        etl.in_workers(self.spark, where, where.of_households)
        etl.in_workers(self.spark, where, where.of_products)
        self._say("counting", since)
        again = self._again(nights[0], late, past) if late else None
        counts = {dataset: self._write(dataset, where.nights(dataset), again, nights) for dataset in COUNTED}
        counts["product_index"] = self._write_index(nights)
        self._say("files", since)
        shutil.rmtree(folder)
        return counts

    def _late_lines(self, nights: Sequence[dt.date], past: Past) -> Late | None:
        """What the late lines of a night touch, and all lines that count of that; None for nights without any."""
        if not late_nights(self.store, nights):
            return None
        before = [*chain.nights_before(self.store, past.built[0] if past.built else nights[0]), *past.built]
        touched = touched_by(self.store, nights[0], before)
        whole = lines_of(self.store, touched, [*before, *nights])
        return Late(touched, merchandise_lines(whole, shelf_spans(self.store, [*before, *nights])))

    def _again(self, night: dt.date, late: Late, past: Past) -> Retold:
        """What a night with late lines tells again."""
        return Retold(night, numbered(late.lines, self._index), lambda dataset: self._keys(dataset, late.touched, past))

    def _keys(self, dataset: str, touched: Touched, past: Past) -> tuple[pa.Table, pa.Table]:
        """The touched keys of a dataset, and those of them that had purchases before."""
        found = touched.keys(dataset, self._index)
        near = past.newest(dataset, pc.field(KEYS[dataset][0]).isin(found[KEYS[dataset][0]].unique()))
        return found, near.select(KEYS[dataset]).join(found, list(KEYS[dataset]), join_type="left semi")

    def _say(self, what: str, since: float) -> None:
        log.info("%s done after %.0f s", what, time.time() - since)

    def _touched(self, dataset: str, nights: Sequence[dt.date]) -> pc.Expression:
        """Rows whose household or product occurs in the raw events of these nights: those of all their keys, and others."""
        key, raw = ("household", "household") if "household" in KEYS[dataset] else ("product_index", "product")
        events = pads.dataset([str(path) for path in fetch(self.store, "events", nights)], schema=EVENTS, format="parquet")
        values = events.to_table(columns=[raw])[raw].unique()
        if key == "product_index":
            values = self._index.filter(pc.is_in(self._index["product"], value_set=values))["product_index"].unique()
        return pc.field(key).isin(values)

    def _number(self, bought: pa.Table, past: Past) -> None:
        """Give the new ones of these products their indexes, by (first day, shop id)."""
        known = past.newest("product_index")
        fresh = bought.filter(pc.invert(pc.is_in(bought["product"], value_set=known["product"].combine_chunks())))
        fresh = fresh.group_by("product").aggregate([("first_day", "min")])
        fresh = fresh.sort_by([("first_day_min", "ascending"), ("product", "ascending")])
        numbers = pa.array(range(known.num_rows, known.num_rows + fresh.num_rows), pa.int32())
        columns = {"product": fresh["product"], "product_index": numbers, "first_day": fresh["first_day_min"]}
        self._fresh = pa.table(columns, SCHEMAS["product_index"])
        self._index = pa.concat_tables([known, self._fresh])

    def _write(
        self, dataset: str, found: dict[int, list[pa.RecordBatch]], again: Retold | None, nights: Sequence[dt.date]
    ) -> int:
        """One sorted file a night, an empty one for a night without rows; returns the number of rows."""
        rows = 0
        for night in nights:
            table = pa.Table.from_batches(found.get(day_number(night), []), SCHEMAS[dataset])
            table = again.restate(dataset, table) if again else table
            write_canonical(_sorted(table, dataset), self.temporary / dataset / f"{night}.parquet")
            rows += table.num_rows
        return rows

    def _write_index(self, nights: Sequence[dt.date]) -> int:
        fresh = dict(by_night(self._fresh, "first_day"))
        for night in nights:
            table = fresh.get(day_number(night), self._fresh.slice(0, 0))
            write_canonical(_sorted(table, "product_index"), self.temporary / "product_index" / f"{night}.parquet")
        return self._fresh.num_rows

    def _rows_of(self, night: dt.date) -> int:
        return read_manifest(self.store, "events", night).rows


def _sorted(table: pa.Table, dataset: str) -> pa.Table:
    return table.sort_by([(name, "ascending") for name in SORTED[dataset]])


def night_files(folder: Path, night: dt.date) -> dict[str, Path]:
    """The files of one night in a build's folder, by dataset."""
    return {dataset: folder / dataset / f"{night}.parquet" for dataset in DATASETS}
