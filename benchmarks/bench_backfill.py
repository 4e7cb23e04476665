"""A backfill of build_features through Airflow, against as many single nightly runs and against one run in range mode.

    python benchmarks/bench_backfill.py [--nights 60] [--single 60] [--households N]

Each way has a stack and a store of its own and works on the same nights; wall time runs from asking to the end of the last
run. `--single K` runs only the first K nights one by one, and counts the others as their mean: the output says so. The
bytes of the stores are compared. Writes var/bench/backfill.json and prints a table.
"""

import argparse
import datetime as dt
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.report import finish, row  # noqa: E402
from include.cli import airflow_stack, stack  # noqa: E402
from include.cli.airflow_api import DONE, AirflowApi  # noqa: E402
from include.nights import span  # noqa: E402
from include.settings import Settings, SourceSpec  # noqa: E402

DAG = "build_features"
FIRST = dt.date(2017, 1, 1)
WORK = ROOT / "var" / "bench" / "backfill"


def settings_of(way: str, households: int | None, port_base: int) -> Settings:
    return Settings(var=WORK / way, source=SourceSpec(households=households), port_base=port_base)


def run_to_end(api: AirflowApi, run_id: str, conf: dict[str, Any]) -> None:
    api.trigger(DAG, run_id, conf)
    while (state := (api.run(DAG, run_id) or {"state": "queued"})["state"]) not in DONE:
        time.sleep(0.2)
    assert state == "success", f"{run_id} {state}"


def one_by_one(api: AirflowApi, settings: Settings, nights: list[dt.date]) -> None:
    for night in nights:
        run_to_end(api, f"single__{night}", {"start": str(night)})


def as_range(api: AirflowApi, settings: Settings, nights: list[dt.date]) -> None:
    run_to_end(api, "range", {"start": str(nights[0]), "end": str(nights[-1])})


def as_backfill(api: AirflowApi, settings: Settings, nights: list[dt.date]) -> None:
    first, last = str(nights[0]), str(nights[-1])
    words = [str(ROOT / "nightfill"), "backfill", first, last]
    environ = airflow_stack.clean_environ() | settings.environ() | {"NIGHTFILL_SPARK_MASTER": settings.spark_master}
    asking = subprocess.Popen(words, cwd=ROOT, env=environ, stdout=subprocess.DEVNULL)
    states: dict[str, str] = {}
    while len(states) < len(nights) or not set(states.values()) <= set(DONE):
        time.sleep(1)
        states = api.backfill_states(DAG, first, last)
        assert not asking.poll(), "the command has failed"
    asking.terminate()  # it would wait until Airflow has closed the backfill
    asking.wait()
    assert set(states.values()) == {"success"}, states


WAYS = {"range": as_range, "backfill": as_backfill, "single": one_by_one}


def measure(way: str, settings: Settings, nights: list[dt.date]) -> float:
    """Seconds of one way, in a stack that is up and has read the DAG."""
    shutil.rmtree(settings.var, ignore_errors=True)
    try:
        stack.start(settings, serving=False)
        api = stack.client(settings)
        while api.dag(DAG) is None:
            time.sleep(0.5)
        api.unpause(DAG)
        began = time.monotonic()
        WAYS[way](api, settings, nights)
        seconds = time.monotonic() - began
        api.close()
    finally:
        stack.stop(settings)
    print(f"# {way}: {len(nights)} nights in {seconds:.0f} s", flush=True)
    return seconds


def published(settings: Settings, nights: list[dt.date]) -> dict[str, bytes]:
    """Manifests of the nights' features, which name every byte."""
    return {
        str(night): (settings.var / "store/datasets/features" / str(night) / "manifest.json").read_bytes() for night in nights
    }


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nights", type=int, default=60)
    parser.add_argument("--single", type=int, default=60, help="how many of the nights are run one by one")
    parser.add_argument("--households", type=int, default=None, help="a smaller shop")
    parser.add_argument("--port-base", type=int, default=18450)
    args = parser.parse_args(words)
    nights = span(FIRST, FIRST + dt.timedelta(days=args.nights - 1))
    alone = nights[: args.single]
    homes = {way: settings_of(way, args.households, args.port_base) for way in WAYS}
    took = {way: measure(way, homes[way], alone if way == "single" else nights) for way in WAYS}
    for way in ("backfill", "range"):
        assert published(homes[way], alone) == published(homes["single"], alone), f"{way} gave other bytes"
    assert published(homes["backfill"], nights) == published(homes["range"], nights)
    single = took["single"] / len(alone) * len(nights)
    said = f"{len(nights)} single runs" + ("" if len(alone) == len(nights) else f" (as {len(alone)} measured ones)")
    rows = [
        row(f"backfill of {len(nights)} nights", took["backfill"], "s", said, single, 0.7, digits=1),
        row(f"range of {len(nights)} nights", took["range"], "s", "the backfill", took["backfill"], 1 / 3, digits=1),
    ]
    for found in rows:
        beside = f"{found['rival']} {found['rival_value']} s  x{found['ratio']}  reach {found['reach']:.2f}"
        print(f"{found['name']:<28} {found['value']:>8} s  {beside}  {'ok' if found['ok'] else 'NOT OK'}")
    print("The bytes are the same.")
    code = finish("backfill", rows)
    shutil.rmtree(WORK)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
