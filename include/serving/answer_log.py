"""What was shown to whom: JSON lines that evaluation reads.

<settings.answers>/<surface>/<night>/<run>.jsonl, then <run>-1.jsonl, <run>-2.jsonl ... of at most 64 MB each
"""

import datetime as dt
import json
import logging
import os
import re
import threading
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Self

from include.errors import Refused, TryAgain

ROTATE_BYTES = 64 << 20
ADDED = ("query", "meant")
"""Fields that older logs do not have."""

log = logging.getLogger("nightfill")


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. `products` and `scores` are in order of position; `model` is the name of the model that answered.

    `night` is the night that the features were of, `day` the replayed day, `code` OK or the gRPC status, `ms` what the
    caller waited. `arm` is the arm that answered, which is not the arm that was asked when a retry helped. `query` is what
    was typed and `meant` the words of the type that a synthetic shopper had in mind; both are "" where nobody types.
    """

    request: str
    night: str
    surface: str
    household: str
    arm: str
    model: str
    products: list[str]
    scores: list[float]
    ms: float
    code: str
    day: str
    run: str
    query: str = ""
    meant: str = ""


class AnswerLog:
    """Writes the answers of one run of one night; may be used by several threads.

    A run that is repeated begins anew (`fresh`), so that no answer counts twice.
    """

    def __init__(
        self, root: Path, surface: str, night: dt.date | str, run: str, fresh: bool = True, limit: int = ROTATE_BYTES
    ) -> None:
        self.folder = root / surface / str(night)
        self.run = file_name(run)
        self._limit = limit
        self._lock = threading.Lock()
        self.folder.mkdir(parents=True, exist_ok=True)
        if fresh:
            for path in files_of(self.folder, self.run):
                path.unlink()
        self._part = max(len(files_of(self.folder, self.run)) - 1, 0)
        self._file = self._path().open("ab")
        self._heal()

    def write(self, answer: Answer) -> None:
        """Append one line. Raises TryAgain when the disk is full."""
        line = json.dumps(asdict(answer), separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
        with self._lock:
            try:
                if self._file.tell() + len(line) > self._limit and self._file.tell():
                    self._rotate()
                self._file.write(line)
            except OSError as error:
                raise _full(self._path(), error) from error

    def close(self) -> None:
        """Flush to the disk: what is closed survives a power cut."""
        with self._lock:
            if not self._file.closed:
                self._sync()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _path(self) -> Path:
        return self.folder / (f"{self.run}-{self._part}.jsonl" if self._part else f"{self.run}.jsonl")

    def _rotate(self) -> None:
        self._sync()
        self._part += 1
        self._file = self._path().open("ab")

    def _sync(self) -> None:
        try:
            with self._file:
                self._file.flush()
                os.fsync(self._file.fileno())
        except OSError as error:
            raise _full(self._path(), error) from error

    def _heal(self) -> None:
        """End a line that a crash tore, so that the next one stands alone."""
        path = self._path()
        if path.stat().st_size and not path.read_bytes().endswith(b"\n"):
            self._file.write(b"\n")


def file_name(run: str) -> str:
    """A run id as a file name: what is not safe becomes "_", and so does a "-" that would read as the number of a part.

    Raises:
        Refused: nothing is left of it.
    """
    name = re.sub(r"-(?=\d+$)", "_", re.sub(r"[^A-Za-z0-9._+=:-]", "_", run).lstrip("."))
    if not name:
        raise Refused(f"'{run[:60]}' cannot name a run", "Give a run id of letters, digits, '.', '_' and '-'")
    return name


def files_of(folder: Path, run: str) -> list[Path]:
    """The files of one run in order of writing. `run` is a `file_name`."""
    first = folder / f"{run}.jsonl"
    parts = [(int(m[1]), path) for path in folder.glob("*.jsonl") if (m := re.fullmatch(re.escape(run) + r"-(\d+)", path.stem))]
    found = [first] if first.exists() else []
    return found + [path for part, path in sorted(parts)] if found else []


def read_answers(root: Path, surface: str, nights: Iterable[dt.date | str], run: str | None = None) -> Iterator[Answer]:
    """The answers of some nights in order of writing, of one run or of all. Nights without answers give none.

    A line that a crash tore is left out, and said so in the log.
    """
    for night in nights:
        folder = root / surface / str(night)
        if not folder.is_dir():
            continue
        paths = sorted(folder.glob("*.jsonl"), key=_order) if run is None else files_of(folder, file_name(run))
        for path in paths:
            yield from read_answer_file(path)


def read_answer_file(path: Path) -> Iterator[Answer]:
    """The answers of one file."""
    names, torn = {field.name for field in fields(Answer)} - set(ADDED), 0
    with path.open("rb") as file:
        for line in file:
            try:
                raw = json.loads(line)
                yield Answer(**{name: raw[name] for name in names}, **{name: raw.get(name, "") for name in ADDED})
            except (ValueError, KeyError, TypeError):
                torn += bool(line.strip())
    if torn:
        log.warning("%d torn lines left out of %s", torn, path)


def _order(path: Path) -> tuple[str, int]:
    match = re.fullmatch(r"(.*)-(\d+)", path.stem)
    return (match[1], int(match[2])) if match and (path.parent / f"{match[1]}.jsonl").exists() else (path.stem, 0)


def _full(path: Path, error: OSError) -> TryAgain:
    return TryAgain(f"Could not write {path}: {error.strerror}", "Free some disk space and run it again")
