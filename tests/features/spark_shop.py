"""A small landed shop, a job that builds its nights in a process of its own, and what must come out."""

import datetime as dt
import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from include.features.tables import DATASETS
from include.settings import ROOT
from include.store.objects import open_store
from tests.features.plain_etl import Purchase, feature_rows, land_shop

START = dt.date(2017, 3, 8)
NIGHTS = [START + dt.timedelta(days=i) for i in range(4)]


def land(folder: Path) -> tuple[Path, list[Purchase]]:
    """A landed shop: its store, and its lines."""
    chance = random.Random(7)
    lines = [
        Purchase(f"h{chance.randrange(4)}", f"p{chance.randrange(6)}", chance.randrange(4), chance.randint(1, 3), day, day % 7)
        for day in range(1, 60)
    ]
    land_shop(open_store(str(folder / "store")), folder, lines, START, NIGHTS)
    return folder / "store", lines


def build(store: Path, work: Path, environment: dict[str, str]) -> dict[str, Any]:
    """Build the nights as a task of the stack does; returns the job's report."""
    spec = {"store": str(store), "work": str(work), "first": str(NIGHTS[0]), "last": str(NIGHTS[-1])}
    work.mkdir(exist_ok=True)
    (work / "spec.json").write_text(json.dumps(spec))
    words = ["-m", "include.jobs.build_features", "--spec", str(work / "spec.json"), "--report", str(work / "report.json")]
    subprocess.run([sys.executable, *words], cwd=ROOT, env=os.environ | environment, check=False, timeout=300)
    return dict(json.loads((work / "report.json").read_text()))


def assert_like_the_reference(work: Path, lines: list[Purchase]) -> None:
    """Every row of every night is that of plain_etl.py."""
    want = feature_rows(lines, NIGHTS)
    for dataset in DATASETS:
        for place, night in enumerate(NIGHTS):
            table = pq.read_table(work / "features" / dataset / f"{night}.parquet")
            assert table.to_pylist() == want[dataset][place], (dataset, night)
