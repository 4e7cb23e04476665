"""One way to turn a value into bytes, and bytes into a digest."""

import hashlib
import json
from pathlib import Path
from typing import Any


def dumps(value: Any) -> bytes:
    """JSON with sorted keys and no spaces: equal values give equal bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def digest(value: bytes | str | dict[str, Any] | list[Any]) -> str:
    """SHA-256 in hex of bytes, or of a value's canonical JSON."""
    data = value if isinstance(value, bytes) else dumps(value)
    return hashlib.sha256(data).hexdigest()


def digest_file(path: Path) -> str:
    """SHA-256 in hex of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
