"""What a Spark worker does with one part of the households or products: read what is there of it, count, and leave its rows.

    <folder>/seed/<dataset>/<part>.arrow     counters from before these nights, of the part's keys; absent where there are none
    <folder>/<dataset>/<part>.arrow          the part's rows, a batch a night
    <folder>/bought/<part>/<from>.arrow      what the households of one part say of the products of another

Spark ships this file and counting.py to its workers as they are, so they need nothing but numpy and pyarrow. A task that runs
twice writes the same file twice, each time whole.
"""

import uuid
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from include.features.counting import by_night, household, household_product, product, product_days


@dataclass(frozen=True)
class Parts:
    """The run's folder, on a disk that all workers share, the schemas of its datasets, and how many parts there are."""

    folder: str
    schemas: Mapping[str, pa.Schema]
    number: int

    def of_households(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Lines of all days of some whole households, with their `part`; gives nothing but files."""
        held = list(batches)
        if held:
            lines = pa.Table.from_batches(held)
            part = lines["part"][0].as_py()
            pairs = household_product(lines, self._seed("household_product", part))
            self._leave("household_product", part, pairs)
            self._leave("household", part, household(pairs, lines, self._seed("household", part)))
            for other, rows in self._dealt(product_days(pairs)):
                _write(self._path(f"bought/{other}", part), rows.schema, [rows])
        return iter(())

    def of_products(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Numbers of parts, as `part`: what was bought of them lies in files; gives nothing but one more file each."""
        for part in [part for batch in batches for part in batch["part"].to_pylist()]:
            bought = [_read(path) for path in sorted(Path(self.folder, "bought", str(part)).glob("*.arrow"))]
            if bought:
                self._leave("product", part, product(pa.concat_tables(bought), self._seed("product", part)))
        return iter(())

    def write_seed(self, dataset: str, seed: pa.Table) -> None:
        """Lay the newest earlier rows of each part's keys where its task looks for them."""
        for part, rows in self._dealt(seed):
            _write(self._path(f"seed/{dataset}", part), rows.schema, [rows])

    def _dealt(self, rows: pa.Table) -> Iterator[tuple[int, pa.Table]]:
        part = part_of(rows, self.number)
        for number in np.unique(part).tolist():
            yield number, rows.filter(pa.array(part == number))

    def nights(self, dataset: str) -> dict[int, list[pa.RecordBatch]]:
        """What the tasks wrote of a dataset, by night as days since 1970. The files are mapped, not held in memory."""
        found: dict[int, list[pa.RecordBatch]] = {}
        for path in sorted(Path(self.folder, dataset).glob("*.arrow")):
            for batch in _read(path).to_batches():
                found.setdefault(batch["known"][0].cast(pa.int32()).as_py(), []).append(batch)
        return found

    def _seed(self, dataset: str, part: int) -> pa.Table | None:
        path = self._path(f"seed/{dataset}", part)
        return _read(path) if path.exists() else None

    def _leave(self, dataset: str, part: int, rows: pa.Table) -> None:
        schema = self.schemas[dataset]
        rows = rows.append_column("known", rows["day"]).select(schema.names).cast(schema)
        _write(self._path(dataset, part), schema, (night for _, night in by_night(rows, "known")))

    def _path(self, dataset: str, part: int) -> Path:
        return Path(self.folder, dataset, f"{part}.arrow")


def part_of(rows: pa.Table, parts: int) -> np.ndarray:
    """int64 [N]: the part of each row's household, by the CRC of its name, or else of its product."""
    if "household" not in rows.column_names:
        return rows["product_index"].to_numpy() % parts
    coded = rows["household"].combine_chunks().dictionary_encode()
    numbers = np.array([zlib.crc32(name.encode()) % parts for name in coded.dictionary.to_pylist()], np.int64)
    return numbers[coded.indices.to_numpy()]


def _read(path: Path) -> pa.Table:
    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()


def _write(path: Path, schema: pa.Schema, tables: Iterable[pa.Table]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{uuid.uuid4().hex}")
    with pa.OSFile(str(beside), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        for table in tables:
            writer.write_table(table.combine_chunks())
    beside.replace(path)
