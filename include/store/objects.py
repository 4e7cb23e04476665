"""What a store can do, and the folder that does it; `s3.py` does it in a bucket.

Keys are relative POSIX paths of safe characters. An object under `objects/` is named by its digest and never
changes; every other key is small JSON that is swapped whole, on a condition.
"""

import contextlib
import fcntl
import os
import re
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from include.canonical import digest, digest_file
from include.errors import Refused, TryAgain

ABSENT = "absent"
"""Pass as `expect` to write only where nothing is yet."""

REFRESH = 6 * 3600.0
"""Seconds after which `put` makes an object that is there already young again, so that no clean-up takes it: see doomed.py."""

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._=-]{0,199}(/[A-Za-z0-9][A-Za-z0-9._=-]{0,199})*")
LONGEST = 600
_BESIDE = re.compile(r"\..+\.[a-z0-9_]{8}")
"""What `_rename_into` writes beside its target; a crash leaves it. Locks end in ".lock" and are no such file."""
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Missing(Refused):
    """No such key."""


class Conflict(TryAgain):
    """Somebody else wrote the key since it was read."""


class Damaged(Refused):
    """The bytes are not the bytes that the manifest names."""


@dataclass(frozen=True)
class Seen:
    """A key, its size in bytes, and when it was last put or written (Unix seconds)."""

    key: str
    bytes: int
    at: float


Sizes = list[int]
"""The class below has a method `list`."""


class Store(Protocol):
    """Objects by key, with conditional writes: what a folder and an S3 bucket have in common.

    `parallel` is how many calls at once are worth it, see `many.py`.
    """

    parallel: int

    def read(self, key: str) -> bytes:
        """The bytes of a key. Raises Missing."""

    def etag(self, key: str) -> str:
        """A mark that changes with the bytes, to be handed back to `write`; ABSENT when there is no such key.

        What it is made of is the store's own: compare bytes to learn whether bytes are equal.
        """

    def load(self, key: str) -> tuple[bytes | None, str]:
        """The bytes of a key and their etag, read in one step; (None, ABSENT) when there is no such key."""

    def write(self, key: str, data: bytes, expect: str | None = None) -> str:
        """Swap the bytes of a key in one step, and return the new etag.

        `expect` is None (always), ABSENT, or the etag that was read before. Raises Conflict.
        """

    def put(self, path: Path) -> str:
        """Add a file as an immutable object, and return its digest. Adding it twice is one object, made young again."""

    def fetch(self, sha256: str) -> Path:
        """A local file with the bytes of an object, checked. Raises Missing, Damaged."""

    def scan(self, prefix: str = "") -> Iterator[Seen]:
        """As `list`, with size and age; an empty prefix stands for the whole store."""

    def look(self, key: str) -> Seen | None:
        """One key as `scan` shows it, and never late; None when there is none."""

    def sweep(self, before: float, really: bool) -> Sizes:
        """Sizes of uploads that somebody began before a moment (Unix seconds) and never ended; forgotten if `really`."""

    def list(self, prefix: str) -> Iterator[str]:
        """Keys under a folder, in the order of their bytes. A listing may lag: a key that it names may be gone, and a key
        that was written a moment ago may not be named yet. `index.py` is for what must not be missed."""

    def delete(self, key: str) -> None:
        """Forget a key; nothing happens when there is none."""


class FolderStore:
    """A store in a folder of this machine or of a shared disk. Visible by rename, never before."""

    parallel = 1

    def __init__(self, root: Path) -> None:
        self.root = root
        self._checked: set[tuple[str, int, int]] = set()

    def _path(self, key: str) -> Path:
        return self.root / check_key(key)

    def read(self, key: str) -> bytes:
        try:
            return self._path(key).read_bytes()
        except FileNotFoundError:
            raise Missing(f"The store has no {key}", "Run the step that writes it") from None

    def etag(self, key: str) -> str:
        return self.load(key)[1]

    def load(self, key: str) -> tuple[bytes | None, str]:
        try:
            data = self.read(key)
        except Missing:
            return None, ABSENT
        return data, digest(data)

    def write(self, key: str, data: bytes, expect: str | None = None) -> str:
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._locked(path):
            if expect is not None and self.etag(key) != expect:
                raise Conflict(f"{key} was changed by somebody else", "Read it again and decide again")
            self._rename_into(path, lambda file: file.write(data))
        return digest(data)

    def put(self, path: Path) -> str:
        sha256 = digest_file(path)
        target = self.root / object_key(sha256)
        try:
            if target.stat().st_mtime < time.time() - REFRESH:
                os.utime(target)
            return sha256
        except FileNotFoundError:
            target.parent.mkdir(parents=True, exist_ok=True)

        def copy(file) -> None:  # type: ignore[no-untyped-def]
            with path.open("rb") as source:
                while piece := source.read(1 << 20):
                    file.write(piece)

        self._rename_into(target, copy)
        return sha256

    def fetch(self, sha256: str) -> Path:
        path = self._path(object_key(sha256))
        try:
            stat = path.stat()
        except FileNotFoundError:
            raise Missing(f"Object {sha256[:12]} is gone from the store", "Run the step that wrote it again") from None
        mark = (sha256, stat.st_mtime_ns, stat.st_size)
        if mark not in self._checked:
            if digest_file(path) != sha256:
                raise Damaged(
                    f"Object {sha256[:12]} does not have the bytes that its manifest names ({path})",
                    "Delete that file and run the step that wrote it again",
                )
            self._checked.add(mark)
        return path

    def list(self, prefix: str) -> Iterator[str]:
        base = self._path(prefix.rstrip("/"))
        yield from sorted(path.relative_to(self.root).as_posix() for path in _files(base) if path.name[0] != ".")

    def scan(self, prefix: str = "") -> Iterator[Seen]:
        base = self._path(prefix) if prefix else self.root
        for key in sorted(path.relative_to(self.root).as_posix() for path in _files(base) if path.name[0] != "."):
            if found := self.look(key):
                yield found

    def look(self, key: str) -> Seen | None:
        try:
            stat = self._path(key).stat()
        except FileNotFoundError:
            return None
        return Seen(key, stat.st_size, stat.st_mtime)

    def sweep(self, before: float, really: bool) -> Sizes:
        sizes = []
        for path in _files(self.root):
            if not _BESIDE.fullmatch(path.name):
                continue
            with contextlib.suppress(FileNotFoundError):
                if (stat := path.stat()).st_mtime < before:
                    sizes.append(stat.st_size)
                    if really:
                        path.unlink()
        return sizes

    def delete(self, key: str) -> None:
        self._path(key).unlink(missing_ok=True)

    @contextlib.contextmanager
    def _locked(self, path: Path) -> Iterator[None]:
        with (path.parent / f".{path.name}.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _rename_into(self, target: Path, fill) -> None:  # type: ignore[no-untyped-def]
        """Write beside the target, flush to the disk, rename: a full disk leaves the old bytes and no rubbish."""
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                fill(file)
                file.flush()
                os.fsync(file.fileno())
            Path(name).chmod(0o644)
            Path(name).replace(target)
        except OSError as error:
            raise TryAgain(f"Could not write {target}: {error.strerror}", "Free some disk space and run it again") from error
        finally:
            Path(name).unlink(missing_ok=True)


def _files(base: Path) -> Iterator[Path]:
    return (Path(folder) / name for folder, _, names in os.walk(base) for name in names)


def check_key(key: str) -> str:
    """A key as it was given. Raises Refused when it could lead out of the store or is too long for one."""
    if not _KEY.fullmatch(key) or len(key) > LONGEST:
        raise Refused(f"'{key[:200]}' is not a key of the store", "Use letters, digits, '.', '_', '=', '-' and '/'")
    return key


def object_key(sha256: str) -> str:
    """Where an object lies: fanned out by its first two digits. Raises Refused for what is no digest."""
    if not _SHA256.fullmatch(sha256):
        raise Refused(f"'{sha256[:80]}' is not the digest of an object", "Run the step that wrote the manifest again")
    return f"objects/{sha256[:2]}/{sha256}"


def open_store(uri: str) -> Store:
    """The store at a URI: a folder, `file://` and one, or `s3://bucket/prefix`. Nothing is called yet.

    Raises:
        Refused: no store of that kind is known, or the bucket or prefix cannot be one.
    """
    scheme, mark, rest = uri.partition("://")
    if not mark:
        return FolderStore(Path(uri))
    if scheme == "file":
        return FolderStore(Path(rest))
    if scheme == "s3":
        from include.store.s3 import S3Store

        return S3Store(rest)
    raise Refused(f"No store is known for '{scheme[:20]}://'", "Give a folder or s3://bucket/prefix in NIGHTFILL_STORE")
