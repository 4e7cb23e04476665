"""The HTTP listener: an ASGI application under uvicorn that hands each request to a thread."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import uvicorn

from include.model_server.core import Core
from include.model_server.rest import Reply, handle

CORS = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"POST, GET"),
    (b"access-control-allow-headers", b"Content-Type"),
]


class Application:
    """ASGI: read the whole body, answer it in a thread, so that a slow graph never blocks the status page."""

    def __init__(self, core: Core, metrics_path: str) -> None:
        self._core = core
        self._metrics_path = metrics_path
        self._pool = ThreadPoolExecutor(max_workers=core.flags.rest_api_num_threads, thread_name_prefix="rest")
        self._cors = CORS if core.flags.rest_api_enable_cors_support else []

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = await _body(receive)
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        target = scope["raw_path"].decode("latin-1")
        call = (self._core, self._metrics_path, scope["method"], target, headers, body)
        reply = await asyncio.get_running_loop().run_in_executor(self._pool, handle, *call)
        await self._send(reply, send)

    async def _send(self, reply: Reply, send: Any) -> None:
        headers = [
            (b"content-type", reply.content_type.encode()),
            (b"content-length", str(len(reply.body)).encode()),
            *(self._cors if reply.api else []),
        ]
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})


async def _body(receive: Any) -> bytes:
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b""
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


class HttpServer:
    """Listens in a thread of its own."""

    def __init__(self, core: Core, metrics_path: str) -> None:
        config = uvicorn.Config(
            Application(core, metrics_path),
            host=core.flags.bind_address,
            port=core.flags.rest_api_port,
            log_level="warning",
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_keep_alive=300,
            ws="none",
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, name="rest", daemon=True)

    def start(self, seconds: float = 10.0) -> bool:
        """Begin to listen. Returns False when the port cannot be had."""
        self._thread.start()
        for _ in range(int(seconds / 0.01)):
            if self._server.started:
                return True
            if not self._thread.is_alive():
                return False
            self._thread.join(0.01)
        return False

    def stop(self) -> None:
        """Listen no more."""
        self._server.should_exit = True
