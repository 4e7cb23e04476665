"""What Spark's workers do with a part of the nights, then of the households, then of the products; all of it lies in files.

    <folder>/shelf.arrow, index.arrow    from the job: what is merchandise when, and the numbers of products
    <folder>/seed/<dataset>.arrow        from the job: counters from before these nights; absent where there are none
    <folder>/first_days/<part>.arrow     of some nights: the first of them on which each product was bought
    <folder>/lines/<part>.arrow          of some nights: the lines that count
    <folder>/bought/<part>.arrow         of some households: what their days say of products
    <folder>/<dataset>/<part>.arrow      a part's rows, a batch a night

Seeds, lines and bought have a batch for each part that will read them. Spark ships this file, lines.py and counting.py to its
workers as they are, so they need nothing but numpy and pyarrow. A task that runs twice writes the same file twice, each time
whole.
"""

import itertools
import uuid
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from include.features.counting import by_night, household, household_product, product, product_days
from include.features.lines import LINES, first_days, merchandise_lines, numbered, on_time


@dataclass(frozen=True)
class Parts:
    """The run's folder, on a disk that all workers share, the schemas of its datasets, and how many parts there are."""

    folder: str
    schemas: Mapping[str, pa.Schema]
    number: int

    def of_nights(self, events: Sequence[str], part: int) -> None:
        """Deal the lines of some nights, out of all the nights' files of events, that count and came in time."""
        tables = [on_time(pq.ParquetFile(path).read(LINES.names, use_threads=False)) for path in events[part :: self.number]]
        lines = merchandise_lines(pa.concat_tables([LINES.empty_table(), *tables]), self.read("shelf"))
        first = first_days(lines)
        self.leave(f"first_days/{part}", first.schema, [first])
        self.deal(f"lines/{part}", lines)

    def of_households(self, part: int) -> None:
        """Count all days of some whole households."""
        lines = numbered(self._dealt("lines", part), self.read("index"))
        pairs = household_product(lines, self._seed("household_product", part))
        self._leave_nights("household_product", part, pairs)
        self._leave_nights("household", part, household(pairs, lines, self._seed("household", part)))
        self.deal(f"bought/{part}", product_days(pairs))

    def of_products(self, part: int) -> None:
        """Count all days of some whole products."""
        self._leave_nights("product", part, product(self._dealt("bought", part), self._seed("product", part)))

    def nights(self, dataset: str) -> dict[int, list[pa.RecordBatch]]:
        """What the parts left of a dataset, by night as days since 1970. The files are mapped, not held in memory."""
        found: dict[int, list[pa.RecordBatch]] = {}
        for part in range(self.number):
            for batch in self.read(f"{dataset}/{part}").to_batches():
                found.setdefault(batch["known"][0].cast(pa.int32()).as_py(), []).append(batch)
        return found

    def deal(self, name: str, rows: pa.Table) -> None:
        """Leave rows with a batch for each part."""
        part = part_of(rows, self.number)
        order = np.argsort(part, kind="stable")
        rows, bounds = rows.take(pa.array(order)), np.searchsorted(part[order], range(self.number + 1)).tolist()
        self.leave(name, rows.schema, [rows.slice(start, end - start) for start, end in itertools.pairwise(bounds)])

    def leave(self, name: str, schema: pa.Schema, tables: Iterable[pa.Table]) -> None:
        """Put a file in place whole, with a batch for each table."""
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{uuid.uuid4().hex}")
        with pa.OSFile(str(beside), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
            for table in tables:
                columns = [column.combine_chunks() for column in table.columns]
                writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))
        beside.replace(path)

    def read(self, name: str) -> pa.Table:
        return self._open(name).read_all()

    def _open(self, name: str) -> pa.ipc.RecordBatchFileReader:
        return pa.ipc.open_file(pa.memory_map(str(self._path(name))))

    def _dealt(self, folder: str, part: int) -> pa.Table:
        """What the parts before have dealt to this one."""
        return pa.Table.from_batches([self._open(f"{folder}/{other}").get_batch(part) for other in range(self.number)])

    def _seed(self, dataset: str, part: int) -> pa.Table | None:
        name = f"seed/{dataset}"
        return pa.Table.from_batches([self._open(name).get_batch(part)]) if self._path(name).exists() else None

    def _leave_nights(self, dataset: str, part: int, rows: pa.Table) -> None:
        schema = self.schemas[dataset]
        rows = rows.append_column("known", rows["day"]).select(schema.names).cast(schema)
        self.leave(f"{dataset}/{part}", schema, (night for _, night in by_night(rows, "known")))

    def _path(self, name: str) -> Path:
        return Path(self.folder, f"{name}.arrow")


def part_of(rows: pa.Table, parts: int) -> np.ndarray:
    """int64 [N]: the part of each row's household, by the CRC of its name, or else of its product."""
    if "household" not in rows.column_names:
        return rows["product_index"].to_numpy() % parts
    coded = rows["household"].combine_chunks().dictionary_encode()
    numbers = np.array([zlib.crc32(name.encode()) % parts for name in coded.dictionary.to_pylist()], np.int64)
    return numbers[coded.indices.to_numpy()]
