"""One build by our own code, as a task of the stack does it, in a process of its own.

    python benchmarks/etl_spark.py STORE OUT FIRST LAST [--publish]      prints one JSON line

NIGHTFILL_SPARK_MASTER says where: sc:// is the warm server, local[*] a cold start of its own.
"""

import argparse
import datetime as dt
import json
import time
from pathlib import Path
from typing import Any

import psutil

from benchmarks.etl_common import peak_mb
from include import nights
from include.features.build import Builder
from include.features.publish import publish_build
from include.features.spark_session import open_session
from include.settings import Settings
from include.spark_server import LOCAL
from include.store.objects import open_store


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
    args = parser.parse_args()
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
    print(json.dumps(said | {"rss": peak_mb()}))


if __name__ == "__main__":
    main()
