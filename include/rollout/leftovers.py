"""What runs leave on this machine: a folder each below `work`, needed until the run has ended and nobody repeats a task of it.

<var>/work/<dag>/<run>/...                 files of the run's own
<var>/run/jobs/<dag>/<run>/<task>.lock     held by a job while it lives, also one in another container on the same files
"""

import fcntl
import shutil
import time
from collections.abc import Iterable
from pathlib import Path

KEEP_SECONDS = 14 * 24 * 3600.0
"""A run's folder stays so long after its last change: a task of it may be cleared and run again."""


def running(jobs: Path, own: str = "") -> set[str]:
    """<dag>/<run> of the runs with a job at work, those of the DAG `own` left out."""
    found = set()
    for lock in sorted(jobs.glob("*/*/*.lock")):
        try:
            with lock.open() as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            found.add("/".join(lock.parts[-3:-1]))
        except FileNotFoundError:
            continue
    return {run for run in found if run.split("/")[0] != own}


def old_runs(work: Path, at_work: Iterable[str], now: float | None = None) -> dict[str, int]:
    """Folders <dag>/<run> of runs that have ended long ago, with their bytes. A link is nobody's business here."""
    before, found = (time.time() if now is None else now) - KEEP_SECONDS, {}
    for folder in sorted(work.glob("*/*")):
        name = "/".join(folder.parts[-2:])
        if folder.is_symlink() or folder.parent.is_symlink() or not folder.is_dir() or name in set(at_work):
            continue
        stats = [path.lstat() for path in (folder, *folder.rglob("*"))]
        if max(stat.st_mtime for stat in stats) < before:
            found[name] = sum(stat.st_size for stat in stats[1:])
    return found


def remove(work: Path, names: Iterable[str]) -> None:
    """Delete these folders; what cannot be deleted stays for the next time."""
    for name in names:
        folder = work / name
        if not folder.is_symlink():
            shutil.rmtree(folder, ignore_errors=True)
