"""Upload one file as one object, whole or not at all, with its SHA-256."""

import contextlib
import hashlib
from base64 import b64encode
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from include.errors import TryAgain

PART = 32 << 20
"""Bytes of one part; a file up to two parts goes in one request. 10,000 parts of S3's limit are 312 GiB."""

Call = Callable[[Callable[[], Any], str], Any]


def checksum(digest: bytes) -> str:
    """A SHA-256 as S3's checksum header wants it."""
    return b64encode(digest).decode()


def upload(path: Path, sha256: str, place: dict[str, str], client: Any, call: Call, part: int = PART) -> None:
    """Upload a file. S3 compares what arrives with the digest; an object becomes visible when all of it is there.

    Args:
        call: makes one request with retries, see `retrying`.

    Raises:
        TryAgain: the file changed while it was read, or S3 could not take it.
    """
    if path.stat().st_size <= 2 * part:
        call(lambda: _whole(path, sha256, place, client), f"upload {sha256[:12]}")
    else:
        _in_parts(path, sha256, place, client, call, part)


def _whole(path: Path, sha256: str, place: dict[str, str], client: Any) -> None:
    with path.open("rb") as file:
        client.put_object(**place, Body=file, ChecksumSHA256=checksum(bytes.fromhex(sha256)))


def _in_parts(path: Path, sha256: str, place: dict[str, str], client: Any, call: Call, part: int) -> None:
    start = call(lambda: client.create_multipart_upload(**place, ChecksumAlgorithm="SHA256"), f"begin {sha256[:12]}")
    upload_id = {"UploadId": start["UploadId"]}
    try:
        parts = _send_parts(path, sha256, place | upload_id, client, call, part)
        finish = lambda: client.complete_multipart_upload(**place, **upload_id, MultipartUpload={"Parts": parts})
        call(finish, f"finish {sha256[:12]}")
    except BaseException:
        with contextlib.suppress(Exception):  # a lifecycle rule of the bucket is the second broom
            client.abort_multipart_upload(**place, **upload_id)
        raise


def _send_parts(path: Path, sha256: str, to: dict[str, str], client: Any, call: Call, part: int) -> list[dict[str, Any]]:
    """One request a part, each with its own digest; the digest of all is compared before the object becomes visible."""
    parts: list[dict[str, Any]] = []
    whole = hashlib.sha256()
    with path.open("rb") as file:
        while data := file.read(part):
            whole.update(data)
            mark = checksum(hashlib.sha256(data).digest())
            request = to | {"Body": data, "PartNumber": len(parts) + 1, "ChecksumSHA256": mark}
            answer = call(partial(client.upload_part, **request), f"upload part {len(parts) + 1}")
            parts.append({"PartNumber": len(parts) + 1, "ETag": answer["ETag"], "ChecksumSHA256": mark})
    if whole.hexdigest() != sha256:
        raise TryAgain(f"{path} changed while it was uploaded", "Run the step again")
    return parts


def sweep_uploads(bucket: str, prefix: str, before: float, really: bool, client: Any, call: Call) -> list[int]:
    """Sizes of the uploads in parts below a prefix that were begun before a moment (Unix seconds); ended if `really`."""
    sizes, after = [], dict[str, str]()
    while True:
        request = {"Bucket": bucket, "Prefix": prefix} | after
        page = call(partial(client.list_multipart_uploads, **request), "list unfinished uploads")
        for upload in page.get("Uploads", []):
            if upload["Initiated"].timestamp() >= before:
                continue
            one = {"Bucket": bucket, "Key": upload["Key"], "UploadId": upload["UploadId"]}
            parts = call(partial(client.list_parts, **one), "look at an unfinished upload")
            sizes.append(sum(part["Size"] for part in parts.get("Parts", [])))
            if really:
                call(partial(client.abort_multipart_upload, **one), "end an unfinished upload")
        if not page.get("IsTruncated"):
            return sizes
        after = {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page["NextUploadIdMarker"]}
