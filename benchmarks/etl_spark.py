"""One build by our own code, as a task of the stack does it, in a process of its own.

    python benchmarks/etl_spark.py STORE OUT FIRST LAST [--publish]      prints one JSON line

NIGHTFILL_SPARK_MASTER says where: sc:// is the warm server, local[*] a cold start of its own.
"""

import argparse
import datetime as dt
import json
import threading
import time
from pathlib import Path
from typing import Any

import psutil

from include import nights
from include.features.build import Builder
from include.features.publish import publish_build
from include.features.spark_session import open_session
from include.settings import Settings
from include.spark_server import LOCAL
from include.store.objects import open_store


class OwnMemory:
    """The most memory that this process holds, looked at a hundred times a second.

    Mapped files do not count, for the system drops their pages when it needs them: only what the process itself has made.
    """

    def __init__(self) -> None:
        self._peak = 0
        threading.Thread(target=self._watch, daemon=True).start()

    def peak_mb(self) -> int:
        return self._look() >> 10

    def _look(self) -> int:
        held = int(Path("/proc/self/status").read_text().split("RssAnon:")[1].split()[0])
        self._peak = max(self._peak, held)
        return self._peak

    def _watch(self) -> None:
        while True:
            self._look()
            time.sleep(0.01)


def tree_cpu() -> float:
    """CPU seconds of this process and of all that it has started, ended ones too."""
    me = psutil.Process()
    return sum(sum(one.cpu_times()[:4]) for one in (me, *me.children(recursive=True)))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("store")
    parser.add_argument("out", type=Path)
    parser.add_argument("first", type=dt.date.fromisoformat)
    parser.add_argument("last", type=dt.date.fromisoformat)
    parser.add_argument("--publish", action="store_true")
    args, memory = parser.parse_args(), OwnMemory()
    born, settings, store = psutil.Process().create_time(), Settings.load(), open_store(args.store)
    span = nights.span(args.first, args.last)
    session = open_session(settings.spark_master or LOCAL, settings.spark_memory, args.out / "spark")
    session.range(1).count()
    ready = {"start_wall": time.time() - born, "start_cpu": tree_cpu()}
    wall = time.perf_counter()
    build = Builder(session, store, args.out / "features").build(span)
    said: dict[str, Any] = ready | {"wall": time.perf_counter() - wall, "cpu": tree_cpu(), "rows": build.rows}
    if args.publish:
        cpu, wall = tree_cpu(), time.perf_counter()
        publish_build(store, args.out / "features")
        said |= {"publish_cpu": tree_cpu() - cpu, "publish_wall": time.perf_counter() - wall}
    session.stop()
    print(json.dumps(said | {"rss": memory.peak_mb()}))


if __name__ == "__main__":
    main()
