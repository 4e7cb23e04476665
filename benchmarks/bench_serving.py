"""How much of the machine does the model server leave to the model?

Four loads, each beside its limit in the same run: (a) a tiny model, one row, 16 callers over gRPC, against a gRPC handler that
does nothing; (b) the home model, 100 rows a request over gRPC, against the bare session callable; (c) the same over REST;
(d) the 99th percentile at half of each load against the limit's at half of its own. And the memory of a 200 MB model.
Server and limit take turns in short rounds, and the median round counts: what else runs on the machine then hits both.

    python benchmarks/bench_serving.py [--model BUNDLE] [--seconds S] [--rounds N]

BUNDLE is a finished home bundle; without one, ours is trained on a made-up shop with the panel's number of products.
Writes var/bench/serving.json and prints a table.
"""

import argparse
import contextlib
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks import report  # noqa: E402
from benchmarks.report import Row  # noqa: E402
from tests import tiny_models  # noqa: E402
from tests.ports import free_port  # noqa: E402

HERE = ROOT / "benchmarks"
LIMITS, LOAD = str(HERE / "serving_limits.py"), str(HERE / "serving_load.py")
ENV = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "PYTHONPATH": str(ROOT)}
BIG = 200_000_000


@dataclass
class Side:
    """One of the two that are compared: a way to drive it, and what its rounds gave."""

    spec: dict
    command: list[str]
    processes: int = 1
    rows: int = 1
    rates: list[float] = field(default_factory=list)
    p99: float = 0.0
    failed: int = 0

    def round(self, seconds: float, rate: float = 0.0) -> list[float]:
        """All latencies of a round in ms, rising; the rate of rows is kept when it was not paced."""
        spec = self.spec | {"seconds": seconds, "rate": rate / self.processes}
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(spec, file)
            file.flush()
            running = [run_in_background(self.command, file.name) for _ in range(self.processes)]
            found = [json.loads(one.communicate()[0].splitlines()[-1]) for one in running]
        self.failed += sum(one["failed"] for one in found)
        if not rate:
            self.rates.append(sum(len(one["latencies"]) / one["seconds"] for one in found) * self.rows)
        return sorted(latency for one in found for latency in one["latencies"])

    @property
    def rate(self) -> float:
        return statistics.median(self.rates)


def run_in_background(command: list[str], *more: str) -> subprocess.Popen:
    quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    return subprocess.Popen([sys.executable, *command, *more], cwd=ROOT, env=ENV, text=True, **quiet)


@contextlib.contextmanager
def running(command: list[str], ready: int, rest: bool) -> Iterator[subprocess.Popen]:
    """A server process, once it answers on its port."""
    process = subprocess.Popen(
        [sys.executable, *command], cwd=ROOT, env=ENV, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(1200):
            with contextlib.suppress(OSError):
                if rest:
                    urllib.request.urlopen(f"http://127.0.0.1:{ready}/v1/models/bench", timeout=5)
                else:
                    socket.create_connection(("127.0.0.1", ready), 1).close()
                break
            if process.poll() is not None:
                raise SystemExit(f"{command} ended with {process.returncode}")
            time.sleep(0.1)
        yield process
    finally:
        process.terminate()
        process.wait(10)


@contextlib.contextmanager
def model_server(folder: Path) -> Iterator[tuple[subprocess.Popen, int, int]]:
    port, rest = free_port(), free_port()
    flags = [f"--port={port}", f"--rest_api_port={rest}", "--model_name=bench", f"--model_base_path={folder}"]
    flags += ["--tensorflow_intra_op_parallelism=1", "--tensorflow_inter_op_parallelism=1"]
    with running(["-m", "include.model_server", *flags], rest, True) as process:
        yield process, port, rest


def compare(name: str, ours: Side, limit: Side, reach: float, unit: str, asked: argparse.Namespace) -> Iterator[Row]:
    """The row of the load, and the one of the 99th percentile at half of it."""
    for _ in range(asked.rounds):
        limit.round(asked.seconds)
        ours.round(asked.seconds)
    ratio = ours.rate / limit.rate
    ok = ratio >= reach and ours.failed == limit.failed == 0
    yield row(name, ours.rate, unit, "its limit", limit.rate, reach, ok)
    tails = []
    for _ in range(asked.rounds):
        tails.append([quantile(side.round(asked.seconds, side.rate / side.rows / 2), 0.99) for side in (limit, ours)])
    limit.p99, ours.p99 = (statistics.median(column) for column in zip(*tails, strict=True))
    fine = ours.p99 <= 3 * limit.p99 and ours.failed == limit.failed == 0
    yield row(f"(d) p99 at half of {name[:3]}", ours.p99, "ms", "its limit", limit.p99, 3.0, fine)


def quantile(rising: list[float], share: float) -> float:
    return rising[min(int(share * len(rising)), len(rising) - 1)]


def row(name: str, value: float, unit: str, rival: str, limit: float, reach: float, ok: bool) -> Row:
    """The row, told at once."""
    found = report.row(name, value, unit, rival, limit, reach, ok)
    print(
        f"{name:<44} {found['value']:>10} {unit:<11} {rival} {found['rival_value']:>10}  ratio {found['ratio']:<6} "
        f"asked {reach:<5} {'ok' if ok else 'NOT OK'}",
        flush=True,
    )
    return found


def tiny(folder: Path, asked: argparse.Namespace) -> Iterator[Row]:
    model = tiny_models.cached() / "scale" / "1"
    subprocess.run([sys.executable, LIMITS, "requests", str(model), "1", str(folder)], check=True, env=ENV, cwd=ROOT)
    spec = {"kind": "grpc", "payload": str(folder / "predict.pb"), "callers": 8}
    nothing = free_port()
    with model_server(model.parent) as (_, port, _rest), running([LIMITS, "empty", str(nothing)], nothing, False):
        ours, limit = (Side(spec | {"port": where}, [LOAD], 2) for where in (port, nothing))
        yield from compare("(a) tiny, 1 row, 16 callers, gRPC", ours, limit, 0.6, "requests/s", asked)


def large(home: Path, folder: Path, asked: argparse.Namespace) -> Iterator[Row]:
    subprocess.run([sys.executable, LIMITS, "requests", str(home / "1"), "100", str(folder)], check=True, env=ENV, cwd=ROOT)
    cores = os.cpu_count() or 1
    with model_server(home) as (_, port, rest):
        for kind, name, where, file, reach in (
            ("grpc", "(b) home, 100 rows, gRPC", port, "predict.pb", 0.6),
            ("rest", "(c) home, 100 rows, REST", rest, "predict.json", 0.4),
        ):
            spec = {
                "kind": kind,
                "payload": str(folder / file),
                "port": where,
                "callers": cores,
                "path": "/v1/models/bench:predict",
            }
            bare = {"model": str(home / "1"), "payload": str(folder / "predict.pb"), "callers": cores}
            ours, limit = Side(spec, [LOAD], rows=100), Side(bare, [LIMITS, "bare"], rows=100)
            yield from compare(name, ours, limit, reach, "rows/s", asked)


def memory(folder: Path) -> Iterator[Row]:
    """Resident memory with the big model less that with a tiny one."""
    subprocess.run([sys.executable, LIMITS, "big", str(folder)], check=True, env=ENV, cwd=ROOT)
    held = []
    for model in (tiny_models.cached() / "scale", folder):
        with model_server(model) as (process, _, _rest):
            time.sleep(2)
            status = Path(f"/proc/{process.pid}/status").read_text()
            held.append(int(status.split("VmRSS:")[1].split()[0]) * 1024)
    used = (held[1] - held[0]) / 1e6
    yield row("memory of a 200 MB model beyond the runtime", used, "MB", "its size", BIG / 1e6, 1.5, used <= 1.5 * BIG / 1e6)


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=Path)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args(words)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        home = folder / "home"
        if asked.model:
            shutil.copytree(asked.model, home / "1")
        else:
            subprocess.run([sys.executable, LIMITS, "home", str(folder)], check=True, env=ENV, cwd=ROOT)
        rows.extend(tiny(folder / "tiny", asked))
        rows.extend(large(home, folder / "large", asked))
        rows.extend(memory(folder / "big"))
    return report.finish("serving", rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
