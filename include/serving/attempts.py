"""The gateway's log of attempts: what each replica really answered, before retries hid it from the shopper."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_REST = re.compile(r"^/v1/models/([a-z0-9_]+):predict")

ROTATE_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of one request at one replica.

    `t` is the Unix time at which the request came in, `us` the microseconds from the first byte sent to the replica to
    the first byte received (None when nothing came back), `grpc` the gRPC status over gRPC, `flags` Envoy's response
    flags (UF: no connection, UT: timed out, ...; empty when all is well), `attempt` counts from 1.
    """

    t: float
    surface: str
    household: str
    request_id: str
    cluster: str
    replica: str
    code: int
    grpc: int | None
    flags: str
    attempt: int
    us: int | None

    @property
    def arm(self) -> str:
        """stable, canary or shadow."""
        return self.cluster.rpartition("_")[0]

    @property
    def ok(self) -> bool:
        """Whether the replica answered as it should."""
        return self.code == 200 and (self.grpc in (None, 0)) and not self.flags


def parse_attempt(line: bytes) -> Attempt | None:
    """One line of the log; None when it is not one (a torn line, a request that no surface matched)."""
    try:
        raw: dict[str, Any] = json.loads(line)
        path = str(raw.get("path") or "")
        rest = _REST.match(path)
        status = raw.get("grpc")
        return Attempt(
            t=float(raw["t"]),
            surface=rest[1] if rest else _text(raw.get("surface")),
            household=_text(raw.get("household")),
            request_id=_text(raw.get("request_id")),
            cluster=_text(raw["cluster"]),
            replica=_text(raw.get("replica")),
            code=int(raw.get("code") or 0),
            grpc=None if rest or status in (None, "", "-") else int(status),
            flags=_text(raw.get("flags")),
            attempt=int(raw.get("attempt") or 1),
            us=None if raw.get("us") in (None, "", "-") else int(raw["us"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def read_attempts(path: Path, offset: int = 0) -> tuple[list[Attempt], int]:
    """The attempts after a byte offset, and the offset to go on from. A line that is still being written waits.

    An offset beyond the end means that the log was rotated (when the gateway started anew): reading begins at 0.
    """
    if not path.exists():
        return [], 0
    with path.open("rb") as file:
        size = file.seek(0, 2)
        start = offset if 0 <= offset <= size else 0
        file.seek(start)
        data = file.read(size - start)
    whole = data.rfind(b"\n") + 1
    parsed = (parse_attempt(line) for line in data[:whole].splitlines())
    return [attempt for attempt in parsed if attempt], start + whole


def log_end(path: Path) -> int:
    """The offset of the log's end now: only what comes later will be read from it."""
    return path.stat().st_size if path.exists() else 0


def rotate_attempts(path: Path, limit: int = ROTATE_BYTES) -> bool:
    """Move a long log aside, keeping one older; only while the gateway is down, for it holds the file open."""
    if log_end(path) < limit:
        return False
    path.replace(path.with_name(f"{path.name}.1"))
    return True


def _text(value: Any) -> str:
    return "" if value in (None, "-") else str(value)
