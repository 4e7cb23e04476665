"""A shop's files below a prefix of an S3 bucket. Client, patience and retries are those of the store."""

import contextlib
import functools
import tempfile
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, TypeVar

from include.errors import Refused, TryAgain
from include.sources.shop.places import File, fits
from include.store.s3_client import endpoint, open_client
from include.store.s3_retry import NotAsExpected, NotThere, retrying

PIECE = 1 << 20
CHANGED = "Deliver files once and leave them, then run it again"

T = TypeVar("T")


class S3Prefix:
    """Objects below a prefix; a name is the key without the prefix."""

    def __init__(self, bucket: str, prefix: str) -> None:
        self.where, self.bucket, self.start = f"s3://{bucket}/{prefix}".rstrip("/"), bucket, f"{prefix}/" if prefix else ""
        self._tags: dict[str, str] = {}

    @functools.cached_property
    def client(self) -> Any:
        return open_client()

    def files(self, pattern: str) -> list[File]:
        found, seen = [], False
        for entry in self._list():
            seen, name = True, str(entry["Key"]).removeprefix(self.start)
            if ".." in name.split("/") or name.startswith("/") or "\\" in name or not name.isprintable():
                raise Refused(f"The key {str(entry['Key'])[:200]!r} leads out of {self.where}", "Remove it from the bucket")
            if fits(name, pattern):
                self._tags[name] = str(entry["ETag"])
                found.append(File(name, int(entry["Size"])))
        if not seen:
            raise Refused(f"There is nothing under {self.where}", "Give the prefix that holds the shop's files")
        return sorted(found, key=lambda file: file.name)

    def mark(self, file: File) -> str:
        return f"{self._tags[file.name]} {file.size}"

    @contextlib.contextmanager
    def open(self, file: File) -> Iterator[BinaryIO]:
        """A copy in a nameless temporary file, which is gone when it is closed."""
        with tempfile.TemporaryFile() as copy:
            try:
                self._call(lambda: self._download(file, copy), f"read {file.name}")
            except (NotThere, NotAsExpected):
                raise TryAgain(f"{file.name} was changed or removed while it was read", CHANGED) from None
            copy.seek(0)
            yield copy

    def _download(self, file: File, copy: BinaryIO) -> None:
        copy.seek(0)
        copy.truncate()
        answer = self.client.get_object(Bucket=self.bucket, Key=self.start + file.name, IfMatch=self._tags[file.name])
        with contextlib.closing(answer["Body"]) as body:
            while piece := body.read(PIECE):
                copy.write(piece)

    def _list(self) -> Iterator[dict[str, Any]]:
        token: dict[str, str] = {}
        while True:
            page = self._call(functools.partial(self._page, token), "list")
            yield from page.get("Contents", [])
            if not page.get("IsTruncated"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}

    def _page(self, token: dict[str, str]) -> dict[str, Any]:
        found: dict[str, Any] = self.client.list_objects_v2(Bucket=self.bucket, Prefix=self.start, **token)
        return found

    def _call(self, action: Callable[[], T], what: str) -> T:
        return retrying(action, what, f"{self.where} ({endpoint(self.client)})")
