"""`nightfill test`: the quick checks, the unit tests, models, tests that start real processes, and whole stacks."""

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from include.cli.setup import ROOT
from include.cli.terminal import clock, table

QUICK = "not slow and not long"
SLOW = "slow and not long"
MODELS = ("compression", "drills", "models", "training")
"""Rooms whose quick tests build TensorFlow graphs: a stage of their own, or nobody would wait for the others."""

STACKS = ("cli", "e2e", "plugins", "serving")
"""Rooms whose slow tests start Airflow or judge by latency: one after the other, or they would measure each other."""


def stages(bin_folder: Path, long: bool, more: Sequence[str]) -> list[tuple[str, list[str]]]:
    """What is run, in order, each with a name. `more` goes to pytest."""
    ruff, mypy, python = (str(bin_folder / name) for name in ("ruff", "mypy", "python"))
    pytest = [python, "-m", "pytest", "--durations=10", *more]
    rooms = [f"tests/{room}" for room in MODELS]
    stacks = [f"tests/{room}" for room in STACKS]
    both_cores = ["-n", "2", "--dist", "loadfile"]
    if long:
        return [("long tests", [*pytest, "-m", "long"])]
    return [
        ("style", [ruff, "check", "."]),
        ("format", [ruff, "format", "--check", "."]),
        ("types", [mypy]),
        ("unit tests", [*pytest, "-m", QUICK, *both_cores, *(f"--ignore={room}" for room in rooms)]),
        ("models in TensorFlow", [*pytest, "-m", QUICK, *both_cores, *rooms]),
        ("tests with real processes", [*pytest, "-m", SLOW, *both_cores, *(f"--ignore={room}" for room in stacks)]),
        ("tests of whole stacks", [*pytest, "-m", SLOW, *stacks]),
    ]


def run(bin_folder: Path, long: bool = False, more: Sequence[str] = ()) -> int:
    """Run all stages, also after a failure; returns 0 when all passed."""
    rows, failed = [], 0
    for name, command in stages(bin_folder, long, more):
        print(f"== {name}", flush=True)
        began = time.monotonic()
        code = subprocess.run(command, cwd=ROOT, check=False).returncode
        failed += code != 0
        rows.append([name, "passed" if code == 0 else f"FAILED ({code})", clock(time.monotonic() - began)])
    print("\n" + table(["stage", "result", "time"], rows))
    return 1 if failed else 0
