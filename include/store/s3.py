"""A store in a bucket: `s3://bucket/prefix`. Same promises as a folder, kept by what S3 promises of a single key.

Small JSON is swapped by conditional PUT (If-None-Match: *, If-Match: <etag>), which S3 does in one step for all clients.
An object is uploaded with its SHA-256, so that S3 refuses what was cut off or damaged, and is read through a local cache
that checks the digest again.
"""

import hashlib
import re
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from include.canonical import digest_file
from include.errors import Refused, TryAgain
from include.settings import Settings
from include.store.cache import Cache, WrongDigest
from include.store.objects import ABSENT, REFRESH, Conflict, Damaged, Missing, Seen, Sizes, check_key, object_key
from include.store.s3_client import Limits, endpoint, shared_client
from include.store.s3_retry import NotAsExpected, NotThere, retrying
from include.store.s3_upload import PART, checksum, sweep_uploads, upload

_BUCKET = re.compile(r"(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
WRITER = "writer"
"""Name of the metadata that says which call wrote a key: after a lost answer it tells our write from another's."""

T = TypeVar("T")


class S3Store:
    """A store under a prefix of a bucket. It may be used by several threads and after a fork.

    Args:
        place: `bucket` or `bucket/prefix`.
        cache: where fetched objects are kept; by default what the settings say.
        part: bytes of one part of a big upload, at least 5 MiB (S3's own limit).
    """

    parallel = 16

    def __init__(self, place: str, *, limits: Limits | None = None, cache: Cache | None = None, part: int = PART) -> None:
        self.bucket, self.prefix = _parse(place)
        self.limits = limits or Limits()
        self.part = part
        self._cache = cache

    @property
    def client(self) -> Any:
        return shared_client(self.limits)

    @property
    def cache(self) -> Cache:
        if self._cache is None:
            settings = Settings.load()
            self._cache = Cache(settings.cache_folder, settings.cache_gb << 30)
        return self._cache

    def read(self, key: str) -> bytes:
        data, _ = self.load(key)
        if data is None:
            raise Missing(f"The store has no {key}", "Run the step that writes it")
        return data

    def etag(self, key: str) -> str:
        # by GET: the answer to HEAD has no body, so it cannot tell a missing key from a missing bucket
        return self.load(key)[1]

    def load(self, key: str) -> tuple[bytes | None, str]:
        place = self._place(key)

        def get() -> tuple[bytes, str]:
            answer = self.client.get_object(**place, ChecksumMode="ENABLED")
            return answer["Body"].read(), answer["ETag"]

        try:
            return self._call(get, f"read {key}")
        except NotThere:
            return None, ABSENT

    def write(self, key: str, data: bytes, expect: str | None = None) -> str:
        writer = secrets.token_hex(16)
        request: dict[str, Any] = {"Body": data, "ChecksumSHA256": checksum(hashlib.sha256(data).digest())}
        request |= self._place(key) | {"Metadata": {WRITER: writer}, "ContentType": "application/json"}
        if expect is not None:
            request |= {"IfNoneMatch": "*"} if expect == ABSENT else {"IfMatch": expect}
        try:
            return self._call(lambda: self.client.put_object(**request)["ETag"], f"write {key}")
        except (NotAsExpected, NotThere):
            if etag := self._written_by(key, writer):
                return etag
        raise Conflict(f"{key} was changed by somebody else", "Read it again and decide again")

    def _written_by(self, key: str, writer: str) -> str:
        """The etag when this very call wrote the key: its answer was lost, and its second attempt met the first."""
        try:
            found = self._call(lambda: self.client.head_object(**self._place(key)), f"look at {key}")
        except NotThere:
            return ""
        return str(found["ETag"]) if found.get("Metadata", {}).get(WRITER) == writer else ""

    def put(self, path: Path) -> str:
        sha256, size = digest_file(path), path.stat().st_size
        key = object_key(sha256)
        found = self.look(key)
        if found and found.bytes == size and found.at > time.time() - REFRESH:
            return sha256
        try:
            upload(path, sha256, self._place(key), self.client, self._call, self.part)
        except NotThere:  # S3 knows this upload no more: an attempt whose answer was lost has finished it, or it was swept away
            if (found := self.look(key)) is None or found.bytes != size:
                raise TryAgain(f"The upload of {sha256[:12]} was forgotten half-way", "Run the step again") from None
        return sha256

    def look(self, key: str) -> Seen | None:
        try:
            found = self._call(lambda: self.client.head_object(**self._place(key)), f"look at {key}")
        except NotThere:
            return None
        return Seen(key, int(found["ContentLength"]), found["LastModified"].timestamp())

    def fetch(self, sha256: str) -> Path:
        place = self._place(object_key(sha256))
        for _ in range(2):
            try:
                return self.cache.find(sha256) or self._call(lambda: self._download(place, sha256), f"fetch {sha256[:12]}")
            except NotThere:
                raise Missing(f"Object {sha256[:12]} is gone from the store", "Run the step that wrote it again") from None
            except WrongDigest:
                continue
        raise Damaged(
            f"Object {sha256[:12]} does not have the bytes that its manifest names (s3://{place['Bucket']}/{place['Key']})",
            "Delete that object and run the step that wrote it again",
        )

    def _download(self, place: dict[str, str], sha256: str) -> Path:
        body = self.client.get_object(**place)["Body"]

        def copy(file: BinaryIO) -> None:
            for piece in body.iter_chunks(1 << 20):
                file.write(piece)

        try:
            return self.cache.add(sha256, copy)
        finally:
            body.close()

    def list(self, prefix: str) -> Iterator[str]:
        return (found.key for found in self.scan(check_key(prefix.rstrip("/"))))

    def scan(self, prefix: str = "") -> Iterator[Seen]:
        under = self._place(prefix)["Key"] + "/" if prefix else self.prefix
        token: dict[str, str] = {}
        while True:
            page = self._list_page(under, token)
            for entry in page.get("Contents", []):
                if key := self._own(entry["Key"]):
                    yield Seen(key, int(entry["Size"]), entry["LastModified"].timestamp())
            if not page.get("IsTruncated"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}

    def _list_page(self, under: str, token: dict[str, str]) -> dict[str, Any]:
        def page() -> dict[str, Any]:
            return self.client.list_objects_v2(Bucket=self.bucket, Prefix=under, **token)

        return self._call(page, f"list {under}")

    def sweep(self, before: float, really: bool) -> Sizes:
        return sweep_uploads(self.bucket, f"{self.prefix}objects/", before, really, self.client, self._call)

    def delete(self, key: str) -> None:
        place = self._place(key)
        self._call(lambda: self.client.delete_object(**place), f"delete {key}")

    def _call(self, action: Callable[[], T], what: str) -> T:
        return retrying(action, what, f"s3://{self.bucket} ({endpoint(self.client)})", self.limits)

    def _place(self, key: str) -> dict[str, str]:
        return {"Bucket": self.bucket, "Key": self.prefix + check_key(key)}

    def _own(self, key: str) -> str:
        """A key of the bucket as a key of the store; empty for what others have put there under names that we never use."""
        try:
            return check_key(key.removeprefix(self.prefix))
        except Refused:
            return ""


def _parse(place: str) -> tuple[str, str]:
    bucket, _, prefix = place.partition("/")
    prefix = prefix.rstrip("/")
    if not _BUCKET.fullmatch(bucket):
        # not printed: people write keys and secrets there
        raise Refused(
            "The store's URI does not begin with the name of a bucket",
            "Write s3://bucket/prefix; credentials belong into the AWS_ variables, a port into AWS_ENDPOINT_URL",
        )
    return bucket, f"{check_key(prefix)}/" if prefix else ""
