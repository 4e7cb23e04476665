"""What the rivals of bench_etl.py have in common: the rule of the source, checksums, and how a run is measured."""

import json
import resource
import time
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from include.features.tables import DATASETS, SCHEMAS
from include.sources.complete_journey import NO_CATEGORY, NOT_MERCHANDISE

__all__ = ["DATASETS", "NOT_MERCHANDISE", "NO_CATEGORY", "checksums", "cpu_seconds", "measured", "peak_mb"]


def cpu_seconds() -> float:
    """CPU seconds of this process so far, all threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak_mb() -> int:
    """The most memory that this process has held at once, in MB. (ru_maxrss would begin with that of the process before it.)"""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


def measured(run: Callable[[Path, Path], None], folder: Path, out: Path) -> None:
    """Run, and print one JSON line: wall and CPU seconds without the imports, peak memory in MB."""
    wall, cpu = time.perf_counter(), cpu_seconds()
    run(folder, out)
    print(json.dumps({"wall": time.perf_counter() - wall, "cpu": cpu_seconds() - cpu, "rss": peak_mb()}))


def checksums(paths: dict[str, Iterable[Path]]) -> dict[str, str]:
    """Rows and a sum over all values of each dataset, whatever the order of rows and files: equal tables give equal texts."""
    return {dataset: _checksum(dataset, files) for dataset, files in paths.items()}


def _checksum(dataset: str, files: Iterable[Path]) -> str:
    rows, total = 0, np.uint64(0)
    for path in files:
        table = pq.read_table(path)
        assert set(table.column_names) >= set(SCHEMAS[dataset].names), path
        rows += table.num_rows
        mixed = np.zeros(table.num_rows, np.uint64)
        for name in SCHEMAS[dataset].names:
            mixed = (mixed ^ _numbers(table[name])) * np.uint64(0x9E3779B97F4A7C15)
            mixed ^= mixed >> np.uint64(29)
        total += mixed.sum(dtype=np.uint64)
    return f"{rows} rows, {int(total):016x}"


def _numbers(column: pa.ChunkedArray) -> np.ndarray:
    """uint64 [rows]: whole numbers and days as they are (a null is 2**63 - 1), texts by their CRC."""
    if pa.types.is_date(column.type):
        column = column.cast(pa.int32())
    if not pa.types.is_integer(column.type):
        coded = column.cast(pa.string()).combine_chunks().dictionary_encode()
        words = np.array([zlib.crc32(word.encode()) for word in coded.dictionary.to_pylist()], np.uint64)
        return words[coded.indices.to_numpy()]
    return column.cast(pa.int64()).fill_null(2**63 - 1).to_numpy().astype(np.uint64)
