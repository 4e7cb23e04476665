"""Where a shop's files lie: a folder, or a prefix of an S3 bucket. Names that lead out of it are refused."""

import contextlib
import fnmatch
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from include.canonical import digest_file
from include.errors import Refused


@dataclass(frozen=True)
class File:
    """One file: its name below the place, its size in bytes."""

    name: str
    size: int


class Place(Protocol):
    """Some files that can be listed and read."""

    where: str

    def files(self, pattern: str) -> list[File]:
        """Files whose name fits, in the order of their names. Raises Refused when the place is missing or leads out."""

    def mark(self, file: File) -> str:
        """Changes with the bytes: equal marks mean equal bytes."""

    def open(self, file: File) -> contextlib.AbstractContextManager[BinaryIO]:
        """The bytes, seekable."""


def open_place(where: str) -> Place:
    """The folder, or the prefix of an `s3://bucket/prefix`.

    Raises:
        Refused: neither.
    """
    scheme, mark, rest = where.partition("://")
    if not mark:
        return Folder(Path(where))
    if scheme != "s3":
        raise Refused(f"Data cannot be read from '{scheme}://'", "Give a folder, or s3://bucket/prefix")
    bucket, _, prefix = rest.partition("/")
    if not bucket or ".." in prefix.split("/"):
        raise Refused(f"'{where}' names no prefix of a bucket", "Write s3://bucket/prefix")
    from include.sources.shop.bucket import S3Prefix

    return S3Prefix(bucket, prefix.strip("/"))


def fits(name: str, pattern: str) -> bool:
    """Whether a name below the place is one of its data files; hidden ones never are, `*` does not cross a '/'."""
    parts, wanted = name.split("/"), pattern.split("/")
    if any(part.startswith((".", "_")) for part in parts) or len(parts) != len(wanted):
        return False
    return all(fnmatch.fnmatchcase(part, want) for part, want in zip(parts, wanted, strict=True))


class Folder:
    """A folder of this machine."""

    def __init__(self, root: Path) -> None:
        self.where, self.root = str(root), root

    def files(self, pattern: str) -> list[File]:
        if not self.root.is_dir():
            raise Refused(f"There is no folder {self.root}", "Give the folder that holds the shop's files")
        base = self.root.resolve()
        found = []
        for path in sorted(self.root.glob(pattern)):
            name = path.relative_to(self.root).as_posix()
            if not fits(name, pattern):
                continue
            if not path.resolve().is_relative_to(base):
                raise Refused(f"{path} is a link that leads out of the folder", "Put the file itself there")
            if path.is_file():
                found.append(File(name, path.stat().st_size))
        return found

    def mark(self, file: File) -> str:
        return digest_file(self.root / file.name)

    @contextlib.contextmanager
    def open(self, file: File) -> Iterator[BinaryIO]:
        try:
            with (self.root / file.name).open("rb") as opened:
                yield opened
        except (PermissionError, FileNotFoundError, IsADirectoryError) as error:
            raise Refused(f"{file.name} cannot be read: {error.strerror}", "Correct its rights, or deliver it again") from error
