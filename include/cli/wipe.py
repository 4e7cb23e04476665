"""`nightfill clean`: delete what Nightfill wrote, and only that. Standard library only."""

import shutil
from pathlib import Path

WRITTEN = ("airflow", "answers", "bench", "cache", "logs", "reports", "run", "serving", "store", "work")
"""Everything that Nightfill makes under var: a folder of somebody's own may be beside it when NIGHTFILL_VAR says so."""


def forget(var: Path, venv: Path | None) -> int:
    """Delete Nightfill's folders under var, and `.venv` when it is given; returns 0."""
    for folder in [*(var / name for name in WRITTEN), *([venv] if venv else [])]:
        if folder.exists():
            shutil.rmtree(folder)
            print(f"Deleted {folder}")
    if var.exists() and not any(var.iterdir()):
        var.rmdir()
    return 0
