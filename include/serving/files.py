"""Files that other programs read: swapped whole, by rename."""

import os
import threading
from pathlib import Path

from include.errors import TryAgain


def swap_file(path: Path, text: str, mode: int = 0o644) -> None:
    """Replace a file in one step. A reader sees the old text or the new one, and a full disk leaves the old one.

    Raises:
        TryAgain: the disk did not take it.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise TryAgain(f"Could not write {path}: {error.strerror}", "Free some disk space and run it again") from error
    finally:
        beside.unlink(missing_ok=True)
