"""`nightfill test`: the quick checks, the unit tests, tests that start real processes, whole stacks, and models beside these.

A whole stack mostly waits, so what needs no latency runs beside it, at a low priority and into a file that is shown at the end.
"""

import subprocess
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from include.cli.setup import ROOT
from include.cli.terminal import clock, table

QUICK = "not slow and not long"
SLOW = "slow and not long"
MODELS = ("compression", "drills", "models", "training")
"""Rooms whose quick tests build TensorFlow graphs: a stage of their own, or nobody would wait for the others."""

STACKS = ("cli", "e2e", "plugins", "serving")
"""Rooms whose slow tests start Airflow or judge by latency: one after the other, or they would measure each other."""


@dataclass(frozen=True)
class Stage:
    """A command of the suite; `beside` may run while a later one does."""

    name: str
    command: list[str]
    beside: bool = False


def stages(bin_folder: Path, long: bool, more: Sequence[str]) -> list[Stage]:
    """What is run, in order. `more` goes to pytest."""
    ruff, mypy, python = (str(bin_folder / name) for name in ("ruff", "mypy", "python"))
    pytest = [python, "-m", "pytest", "--durations=10", *more]
    rooms = [f"tests/{room}" for room in MODELS]
    stacks = [f"tests/{room}" for room in STACKS]
    both_cores = ["-n", "2", "--dist", "loadfile"]
    if long:
        return [Stage("long tests", [*pytest, "-m", "long"])]
    return [
        Stage("style", [ruff, "check", "."]),
        Stage("format", [ruff, "format", "--check", "."]),
        Stage("unit tests", [*pytest, "-m", QUICK, *both_cores, *(f"--ignore={room}" for room in rooms)]),
        Stage("tests with real processes", [*pytest, "-m", SLOW, *both_cores, *(f"--ignore={room}" for room in stacks)]),
        Stage("types", [mypy], beside=True),
        Stage("models in TensorFlow", [*pytest, "-m", QUICK, *rooms], beside=True),
        Stage("tests of whole stacks", [*pytest, "-m", SLOW, *stacks]),
    ]


def run(bin_folder: Path, long: bool = False, more: Sequence[str] = ()) -> int:
    """Run all stages, also after a failure; returns 0 when all passed."""
    rows, ended = [], []
    with tempfile.TemporaryFile() as said, ThreadPoolExecutor(1) as front, ThreadPoolExecutor(1) as back:
        for stage in stages(bin_folder, long, more):
            ended.append((stage, back.submit(_run, stage, said) if stage.beside else front.submit(_run, stage)))
            if not stage.beside:
                ended[-1][1].result()
        for stage, end in ended:
            code, seconds = end.result()
            rows.append([stage.name, "passed" if code == 0 else f"FAILED ({code})", clock(seconds)])
        said.seek(0)
        print(said.read().decode(errors="replace"))
    print(table(["stage", "result", "time"], rows))
    return 1 if any(end.result()[0] for _, end in ended) else 0


def _run(stage: Stage, said: IO[bytes] | None = None) -> tuple[int, float]:
    """One stage to its end: its exit code and its seconds. With a file to speak into it gives way to others."""
    began, title, command = time.monotonic(), f"== {stage.name}\n", stage.command
    if said:
        said.write(title.encode())
        said.flush()
        command = ["nice", "-n", "15", *command]
    else:
        print(title, end="", flush=True)
    code = subprocess.run(command, cwd=ROOT, check=False, stdout=said, stderr=said).returncode
    return code, time.monotonic() - began
