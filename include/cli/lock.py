"""One `nightfill run` at a time for one var folder."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from include.errors import Refused


@contextlib.contextmanager
def only_one(path: Path) -> Iterator[None]:
    """Hold the lock for the body; it goes with the process, however that ends. Raises Refused when another holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            raise Refused(
                f"Another nightfill run is at work (pid {file.read().strip() or 'unknown'})",
                "Wait for it, or end it with Ctrl-C",
            ) from None
        os.ftruncate(file.fileno(), 0)
        file.write(str(os.getpid()))
        file.flush()
        yield
