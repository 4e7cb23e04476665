"""Objects of a bucket on this machine's disk, by digest, so that each is fetched once.

<folder>/<first two digits>/<sha256>   visible by rename, never half-written; digest checked once a process
"""

import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from include.canonical import digest_file
from include.errors import TryAgain

KEEP_SECONDS = 24 * 3600.0
"""A file used within this time is never removed: a running job may have its path."""

Fill = Callable[[BinaryIO], None]


class WrongDigest(Exception):
    """What was fetched is not what was asked for."""


class Cache:
    """A folder of checked objects.

    Args:
        limit: bytes above which the least recently used files are removed, see `sweep`.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder = folder
        self.limit = limit
        self._checked: set[tuple[str, int, int]] = set()
        self._until_sweep = 0

    def find(self, sha256: str) -> Path | None:
        """The file with these bytes, or None. A damaged one is forgotten."""
        path = self._path(sha256)
        try:
            stat = path.stat()
            mark = (sha256, stat.st_mtime_ns, stat.st_size)
            if mark not in self._checked and digest_file(path) != sha256:
                path.unlink(missing_ok=True)
                return None
        except FileNotFoundError:
            return None
        with contextlib.suppress(OSError):  # the time of use is a help for `sweep`, not a need
            os.utime(path, ns=(time.time_ns(), stat.st_mtime_ns))
        self._checked.add(mark)
        return path

    def add(self, sha256: str, fill: Fill) -> Path:
        """Keep what `fill` writes, when it has this digest.

        Raises:
            WrongDigest: it has another; nothing is kept. TryAgain: the disk is full.
        """
        path = self._path(sha256)
        beside = self._new_file(path.parent)
        try:
            with beside.open("wb") as file:
                fill(file)
            if digest_file(beside) != sha256:
                raise WrongDigest
            beside.chmod(0o644)
            size = beside.stat().st_size
            beside.replace(path)
        except OSError as error:
            if error.errno is None:  # a time-out of botocore is an OSError too, and nothing is wrong with the disk
                raise
            raise self._no_room(error) from error
        finally:
            beside.unlink(missing_ok=True)
        self._grown(size)
        return path

    def sweep(self, now: float | None = None) -> int:
        """Remove the least recently used files until the rest fits the limit; returns how many were removed."""
        old, removed = (time.time() if now is None else now) - KEEP_SECONDS, 0
        files = sorted(self._files())
        total = sum(size for _, size, _ in files)
        for used, size, path in files:
            if used > old or (total <= self.limit and not path.name.startswith(".")):
                continue
            path.unlink(missing_ok=True)
            total, removed = total - size, removed + 1
        return removed

    def _path(self, sha256: str) -> Path:
        return self.folder / sha256[:2] / sha256

    def _new_file(self, folder: Path) -> Path:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=folder, prefix=".")
        except OSError as error:
            raise self._no_room(error) from error
        os.close(handle)
        return Path(name)

    def _no_room(self, error: OSError) -> TryAgain:
        return TryAgain(
            f"Could not write into the cache {self.folder}: {error.strerror}",
            "Free some disk, or put NIGHTFILL_CACHE on a larger one",
        )

    def _grown(self, size: int) -> None:
        """Sweep at the first file that is added, and then after each twentieth of the limit."""
        self._until_sweep -= size
        if self._until_sweep < 0:
            self._until_sweep = self.limit // 20
            self.sweep()

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        """(last use in Unix seconds, bytes, path) of every file."""
        for path in self.folder.glob("*/*"):
            with contextlib.suppress(FileNotFoundError):
                stat = path.stat()
                yield max(stat.st_atime, stat.st_mtime), stat.st_size, path
