"""moto's S3 over HTTP, made as strict as S3 is, and able to fail on the wire.

What S3 promises and moto leaves out: a conditional write is one step for all clients, and bytes that do not have the
SHA-256 that came with them are refused. Faults are taken from a list, one for each request that matches.
"""

import base64
import hashlib
import io
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server

Environ = dict[str, Any]


@dataclass
class Fault:
    """What happens to one request. `method` and `key` (a part of the path) say which; `times` how often.

    kinds: "slow_down" | "error_500" | "cut_upload" | "cut_download" | "hang" | "lost_answer" | "flip_upload" |
    "flip_download" | "refuse_403:<Code>"
    """

    kind: str
    method: str = ""
    key: str = ""
    times: int = 1

    def matches(self, environ: Environ) -> bool:
        return self.times > 0 and self.method in ("", environ["REQUEST_METHOD"]) and self.key in environ["PATH_INFO"]


@dataclass
class Wire:
    """WSGI middleware before moto: strictness, faults, and a log of (method, path) of all that came."""

    inner: Callable[..., Iterable[bytes]]
    faults: list[Fault] = field(default_factory=list)
    seen: list[tuple[str, str]] = field(default_factory=list)
    hang_seconds: float = 3.0
    lagging: set[str] = field(default_factory=set)
    """Parts of keys that listings do not show."""

    def __post_init__(self) -> None:
        self.lock = threading.Lock()

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        self.seen.append((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
        with self.lock:
            fault = next((one for one in self.faults if one.matches(environ)), None)
            if fault:
                fault.times -= 1
        kind = fault.kind if fault else ""
        if kind == "hang":
            time.sleep(self.hang_seconds)
            return cut(environ)
        if kind == "slow_down":
            return answer(start_response, "503 Slow Down", "SlowDown")
        if kind == "error_500":
            return answer(start_response, "500 Internal Server Error", "InternalError")
        if kind.startswith("refuse_403"):
            return answer(start_response, "403 Forbidden", kind.partition(":")[2])
        if kind == "cut_upload":
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0) // 2)
            return cut(environ)
        return self._serve(environ, start_response, kind)

    def _serve(self, environ: Environ, start_response: Any, kind: str) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        if kind == "flip_upload":
            body = flip(body)
        want = environ.get("HTTP_X_AMZ_CHECKSUM_SHA256")
        if want and base64.b64encode(hashlib.sha256(body).digest()).decode() != want:
            return answer(start_response, "400 Bad Request", "BadDigest")
        environ["wsgi.input"] = io.BytesIO(body)
        with self.lock:  # moto looks and writes in two steps
            head: list[Any] = []
            data = b"".join(self.inner(environ, lambda *args: head.extend(args[:2])))
        status, headers = head
        if kind == "lost_answer":
            return cut(environ)
        if environ["REQUEST_METHOD"] == "GET" and "list-type=2" in environ.get("QUERY_STRING", ""):
            data = self._without_lagging(data)
            headers = [(name, str(len(data)) if name.lower() == "content-length" else value) for name, value in headers]
        if kind == "flip_download":
            data = flip(data)
        start_response(status, headers)
        return halves(data, environ) if kind == "cut_download" else [data]

    def _without_lagging(self, listing: bytes) -> bytes:
        parts = listing.split(b"<Contents>")
        kept = [part for part in parts[1:] if not any(f"{text}".encode() in part.split(b"</Key>")[0] for text in self.lagging)]
        tail = b"" if not parts[1:] or parts[-1] in kept else parts[-1].partition(b"</Contents>")[2]
        return b"<Contents>".join([parts[0], *kept]) + tail


def answer(start_response: Any, status: str, code: str) -> list[bytes]:
    """An error as S3 writes it."""
    data = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>m</Message></Error>".encode()
    start_response(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(data)))])
    return [data]


def flip(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1]) if data else data


def cut(environ: Environ) -> list[bytes]:
    """Reset the connection, as a server that died does."""
    wire = environ["werkzeug.socket"]
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wire.shutdown(socket.SHUT_RDWR)
    raise ConnectionResetError("cut by the test")


def halves(data: bytes, environ: Environ) -> Iterator[bytes]:
    yield data[: len(data) // 2]
    cut(environ)


class Quiet(WSGIRequestHandler):
    def log(self, *args: Any, **kwargs: Any) -> None:
        """Say nothing: each request would be a line."""


class S3Server:
    """moto behind a Wire, on a free port of loopback, in a thread of this process."""

    def __init__(self) -> None:
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

        self.wire = Wire(DomainDispatcherApplication(create_backend_app))
        self._server = make_server("127.0.0.1", 0, self.wire, threaded=True, request_handler=Quiet)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def environ(self) -> dict[str, str]:
        """Variables of a client; the key is as good as any other to moto."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "a-secret-of-the-test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
            "AWS_CONFIG_FILE": "/nonexistent",
            "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
        }
