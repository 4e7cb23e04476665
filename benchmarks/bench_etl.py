"""What a night and a whole year of build_features cost, beside the same work in DuckDB and Polars, checked by checksum.

    python benchmarks/bench_etl.py [--runs 3] [--tenfold-runs 1]      writes var/bench/etl.json and prints a table

Everything that build_features publishes of the year is made by each: product_index, household_product, product and
household, with their counters. The rivals read the source's raw files and write one file a dataset; our job reads landed
nights and writes a file a night and dataset. Runs alternate; a figure is the median. CPU seconds are those of the whole
process tree, Spark's server included. Ten-fold data has the panel's households ten times, under new ids.
"""

import argparse
import contextlib
import datetime as dt
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.etl_common import DATASETS, checksums  # noqa: E402
from benchmarks.report import Row, finish, row  # noqa: E402
from include import spark_server  # noqa: E402
from include.cli.run_spark import programs  # noqa: E402
from include.cli.setup import install_beside  # noqa: E402
from include.features.state import is_kept  # noqa: E402
from include.nights import span  # noqa: E402
from include.settings import Settings  # noqa: E402
from include.sources.complete_journey import data_folder  # noqa: E402

WORK = ROOT / "var" / "bench" / "etl"
RIVALS = ROOT / "var" / "bench" / "rivals"
FIRST, LAST = dt.date(2017, 1, 1), dt.date(2017, 12, 31)
WEEKS = {15: dt.date(2017, 4, 10), 50: dt.date(2017, 12, 4), 52: dt.date(2017, 12, 18)}
"""Mondays of the weeks whose nights are built alone: 15 and 52 begin the day after a state was kept, 50 ends a week before."""
PORT = 18490

Runs = dict[str, list[dict[str, Any]]]


class Server:
    """The stack's Spark server, with a folder and a port of the benchmark's own."""

    def __init__(self, memory: str) -> None:
        self.settings = Settings(var=WORK / "var", port_base=PORT, spark_memory=memory)
        (program,) = programs(self.settings)
        self._log = (WORK / "server.log").open("w")
        self._seen: dict[psutil.Process, float] = {}
        self.process = subprocess.Popen(program.command, cwd=ROOT, env=os.environ | program.environment, stderr=self._log)

    def environ(self) -> dict[str, str]:
        return self.settings.environ() | {"NIGHTFILL_SPARK_MASTER": spark_server.master(self.settings)}

    def cpu(self) -> float:
        """CPU seconds of the server and its Python workers so far; those that have ended count as when they were last seen."""
        server = psutil.Process(self.process.pid)
        for one in (server, *server.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                self._seen[one] = sum(one.cpu_times()[:2])
        return sum(self._seen.values())

    def memory_mb(self) -> int:
        return int(psutil.Process(self.process.pid).memory_info().rss >> 20)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self._log.close()


def call(words: list[str], environ: dict[str, str] | None = None) -> dict[str, Any]:
    """Run a script of benchmarks/; returns the JSON that it prints last."""
    told = os.environ | {"PYTHONPATH": f"{ROOT}:{RIVALS}"} | (environ or {})
    done = subprocess.run([sys.executable, *words], cwd=ROOT, env=told, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def rival(name: str, source: Path, scale: int) -> dict[str, Any]:
    out = WORK / f"{name}-{scale}"
    shutil.rmtree(out, ignore_errors=True)
    found = call([f"benchmarks/etl_{name}.py", str(source), str(out)])
    return found | {"sums": checksums({dataset: [out / f"{dataset}.parquet"] for dataset in DATASETS})}


def build(store: Path, first: dt.date, last: dt.date, server: Server | None, *more: str) -> dict[str, Any]:
    """One build in a process of its own. `cpu` leaves out the start of a warm one and holds that of a cold one."""
    out = WORK / "build"
    shutil.rmtree(out, ignore_errors=True)
    before = server.cpu() if server else 0.0
    environ = server.environ() if server else {"NIGHTFILL_SPARK_MASTER": spark_server.LOCAL, "NIGHTFILL_SPARK_MEMORY": "6g"}
    found = call(["benchmarks/etl_spark.py", str(store), str(out), str(first), str(last), *more], environ)
    if server:
        found["cpu"] += server.cpu() - before - found["start_cpu"]
    return found


def built_sums() -> dict[str, str]:
    """Checksums of the last build."""
    return checksums({dataset: sorted((WORK / "build" / "features" / dataset).glob("*.parquet")) for dataset in DATASETS})


def source(scale: int) -> Path:
    """A folder with the panel's files; with a scale of ten its lines ten times, each time for other households."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    if scale == 1:
        return data_folder()
    folder = WORK / f"source-{scale}"
    if not folder.exists():
        shutil.rmtree(part := folder.with_suffix(".part"), ignore_errors=True)
        shutil.copytree(data_folder(), part)
        table = pq.read_table(part / "transactions.parquet")
        table = table.set_column(*_at(table, "transaction_timestamp", pa.timestamp("us")))
        with pq.ParquetWriter(part / "transactions.parquet", table.schema) as writer:
            for copy in range(scale):
                moved = table
                for name, step in (("household_id", 10_000), ("basket_id", 10**12)):
                    place = table.column_names.index(name)
                    moved = moved.set_column(place, name, pc.add(table[name], copy * step))
                writer.write_table(moved)
        part.rename(folder)
    return folder


def _at(table: Any, name: str, to: Any) -> tuple[int, str, Any]:
    return table.column_names.index(name), name, table[name].cast(to, safe=False)


def land(scale: int) -> dict[str, Any]:
    """Land the year into a store of the benchmark's own."""
    code = (
        "import json, sys, time, resource; from pathlib import Path\n"
        "from include.settings import SourceSpec; from include.jobs.land_events import LandEvents\n"
        "began = time.time()\n"
        "LandEvents(store=sys.argv[1], source=SourceSpec(folder=sys.argv[2]), work=Path(sys.argv[3]), "
        "first=sys.argv[4], last=sys.argv[5]).run()\n"
        "used = resource.getrusage(resource.RUSAGE_SELF)\n"
        "print(json.dumps({'wall': time.time() - began, 'cpu': used.ru_utime + used.ru_stime}))"
    )
    store = WORK / f"store-{scale}"
    shutil.rmtree(store, ignore_errors=True)
    return call(["-c", code, str(store), str(source(scale)), str(WORK / "land"), str(FIRST), str(LAST)])


def measure(scale: int, runs: int, days: int, memory: str) -> tuple[Runs, Server]:
    """Land, warm up and publish once, then measure in turns, the first `days` nights of each week one by one."""
    found: Runs = defaultdict(list)
    found["landing"] = [land(scale)]
    store, server = WORK / f"store-{scale}", Server(memory)
    found["first"] = [build(store, FIRST, LAST, server, "--publish")]
    for _ in range(runs):
        for name in ("duckdb", "polars"):
            found[name].append(rival(name, source(scale), scale))
        found["warm"].append(build(store, FIRST, LAST, server) | {"sums": built_sums()})
        for week, monday in WEEKS.items():
            nights = span(monday, monday + dt.timedelta(days=days - 1))
            assert not any(map(is_kept, nights)), "these weeks keep no state"
            alone = [build(store, night, night, server) for night in nights]
            keys = ("cpu", "wall", "start_wall", "rss")
            found[f"week {week}"].append({key: statistics.mean(one[key] for one in alone) for key in keys})
        if scale == 1:
            found["cold"].append(build(store, FIRST, LAST, None))
        say(scale, found)
    return found, server


def say(scale: int, found: Runs) -> None:
    """The last figures, so that a person sees it go on."""
    last = {name: runs[-1] for name, runs in found.items()}
    print(
        f"# {scale}x: " + ", ".join(f"{name} {one['cpu']:.1f} CPU-s {one['wall']:.1f} s" for name, one in last.items()),
        flush=True,
    )


def median(found: Runs, name: str, key: str = "cpu") -> float:
    return statistics.median(one[key] for one in found[name])


def judged(one: Runs, ten: Runs, memory: dict[str, float]) -> Iterator[Row]:
    """Every figure beside its rival or its limit; `reach` is the ratio that is asked for, None where none is."""
    for scale, found, limits in ((1, one, {"warm": 3.0, "cold": 6.0}), (10, ten, {"warm": 3.0})):
        if not found:
            continue
        duck = median(found, "duckdb")
        for kind, reach in limits.items():
            cpu, wall = median(found, kind), median(found, kind, "wall")
            yield row(f"full year, {scale}x, {kind}", cpu, "CPU s", "DuckDB", duck, reach)
            yield row(f"full year, {scale}x, {kind}", cpu, "CPU s", "Polars", median(found, "polars"))
            yield row(f"full year, {scale}x, {kind}", wall, "s", "DuckDB", median(found, "duckdb", "wall"))
        yield row(f"landing the year, {scale}x", median(found, "landing"), "CPU s", "DuckDB", duck)
        yield row(f"a night of week 52, {scale}x", median(found, "week 52"), "CPU s", "week 15", median(found, "week 15"), 1.2)
        yield row(f"a night of week 50, {scale}x", median(found, "week 50"), "CPU s", "week 52", median(found, "week 52"))
        yield row(
            f"a night of week 52, {scale}x", median(found, "week 52", "wall"), "s", "week 15", median(found, "week 15", "wall")
        )
    if ten:
        yield row("a night, 10x, warm", median(ten, "week 52"), "CPU s", "full year, 10x", median(ten, "warm"), 0.1)
    yield row("start-up of a Spark task", median(one, "week 52", "start_wall"), "s", "limit", 5.0, 1.0)
    yield row("start-up of a new session", median(one, "cold", "start_wall"), "s", "limit", 5.0)
    yield row("driver's peak, 365 nights", memory["365"], "MB", "91 nights", memory["91"], 1.2)
    yield row("driver's peak, a night", median(one, "week 52", "rss"), "MB", "week 15", median(one, "week 15", "rss"), 1.2)
    yield row("server's memory after all", memory["server"], "MB", "its heap", 4096.0)


def agree(found: Runs) -> None:
    """Raises AssertionError when two engines made other rows."""
    for name in ("polars", "warm"):
        assert all(one["sums"] == found["duckdb"][0]["sums"] for one in found[name]), (name, found[name], found["duckdb"])


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="alternated runs at 1x")
    parser.add_argument("--tenfold-runs", type=int, default=1, help="alternated runs at 10x, some ten minutes each; 0 for none")
    parser.add_argument("--days", type=int, default=7, choices=range(1, 8), help="nights of each week that are measured")
    args = parser.parse_args(words)
    WORK.mkdir(parents=True, exist_ok=True)
    install_beside(RIVALS, ROOT / "benchmarks" / "requirements.txt")
    one, server = measure(1, args.runs, args.days, "4g")
    memory = {str(n): build(WORK / "store-1", FIRST, FIRST + dt.timedelta(days=n - 1), server)["rss"] for n in (91, 365)}
    memory["server"] = server.memory_mb()
    server.stop()
    agree(one)
    ten: Runs = {}
    if args.tenfold_runs:
        ten, server = measure(10, args.tenfold_runs, args.days, "6g")
        server.stop()
        agree(ten)
    rows = list(judged(one, ten, memory))
    print(
        f"Medians of {args.runs} alternated runs at 1x, {args.tenfold_runs} at 10x, {args.days} nights a week; equal checksums."
    )
    for found in rows:
        compared = f"{found['rival']:<15} {found['rival_value']:>8}  x{found['ratio']:<7}"
        reach = f"reach {found['reach']:g}  {'ok' if found['ok'] else 'NOT OK'}" if found["reach"] else ""
        print(f"{found['name']:<30} {found['value']:>8} {found['unit']:<6} {compared} {reach}")
    code = finish("etl", rows)
    shutil.rmtree(WORK)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
