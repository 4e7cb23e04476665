"""The HTTP listener: a thread for each connection, on Python's own server.

Reading a body of megabytes in one blocking call lets go of the interpreter; an event loop reads it in a hundred pieces, and
has to wait for the interpreter before each of them while another request is being parsed.
"""

import contextlib
import socket
import socketserver
import struct
import threading
from http.server import BaseHTTPRequestHandler
from typing import Any

from include.model_server.core import Core
from include.model_server.rest import Reply, handle

CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, GET",
    "Access-Control-Allow-Headers": "Content-Type",
}
PATIENCE = struct.pack("ll", 300, 0)
"""Seconds and microseconds that a connection may be silent; the kernel's own limit leaves the calls blocking."""
READ_AHEAD = 65_536
CONNECTIONS = 1024
"""So many at once; a further one is closed at once."""


class Handler(BaseHTTPRequestHandler):
    """One connection: requests one after the other, each answered by `rest.handle`."""

    protocol_version = "HTTP/1.1"
    rbufsize = READ_AHEAD
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body in one piece
    server: "_Server"

    def setup(self) -> None:
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            self.request.setsockopt(socket.SOL_SOCKET, option, PATIENCE)
        super().setup()

    def answer(self) -> None:
        """Any method: what a path allows is not decided here."""
        try:
            body = self._body()
        except (ValueError, OSError):
            self.close_connection = True
            self._send(Reply(400, b"Bad request body\n", "text/plain", api=False))
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        with self.server.turns:
            reply = handle(self.server.core, self.server.metrics_path, self.command, self.path, headers, body)
        self._send(reply)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = answer

    def log_message(self, *_: Any) -> None:
        """Requests are counted, not logged."""

    def version_string(self) -> str:
        return "model-server"

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        for name, value in (self.server.cors if reply.api else {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)

    def _body(self) -> bytes | bytearray:
        """The body of the request. Raises ValueError, ConnectionError when it is not what its headers say."""
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return b"".join(iter(self._chunk, b""))
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal():
            raise ValueError(length)
        return self._exactly(int(length))

    def _chunk(self) -> bytes | bytearray:
        size = int(self.rfile.readline(64).partition(b";")[0], 16)
        if size < 0:
            raise ValueError(size)
        chunk = self._exactly(size)
        while self.rfile.readline(65537).strip() and not size:
            pass  # trailers
        return chunk

    def _exactly(self, size: int) -> bytes | bytearray:
        """So many bytes: what was read ahead with the headers, then the rest in one call that lets go of the interpreter."""
        if size <= READ_AHEAD:
            found = self.rfile.read(size) if size else b""
            if len(found) != size:
                raise ConnectionError("the connection ended within the body")
            return found
        body = bytearray(size)
        ahead = self.rfile.read1(READ_AHEAD)
        body[: len(ahead)] = ahead
        view, have = memoryview(body), len(ahead)
        while have < size:
            more = self.connection.recv_into(view[have:], 0, socket.MSG_WAITALL) if ahead else 0
            if not more:
                raise ConnectionError("the connection ended within the body")
            have += more
        return body


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, core: Core, metrics_path: str) -> None:
        self.core = core
        self.metrics_path = metrics_path
        self.cors = CORS if core.flags.rest_api_enable_cors_support else {}
        self.turns = threading.BoundedSemaphore(core.flags.rest_api_num_threads)
        self._open = threading.BoundedSemaphore(CONNECTIONS)
        super().__init__((core.flags.bind_address, core.flags.rest_api_port), Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._open.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            with contextlib.suppress(OSError):  # a client that goes away is no news
                self.finish_request(request, client_address)
        finally:
            self.shutdown_request(request)
            self._open.release()


class HttpServer:
    """Listens in a thread of its own. Raises OSError when the port cannot be had."""

    def __init__(self, core: Core, metrics_path: str) -> None:
        self._server = _Server(core, metrics_path)
        self._thread = threading.Thread(target=self._server.serve_forever, name="rest", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()
