"""grpc.health.v1.Health, for --enable_grpc_healthcheck_service. The ports open when the models answer, so it says SERVING.

The two messages are a string in field 1 and a number in field 1: written by hand, they need no package.
"""

from typing import Any

import grpc

_SERVING = b"\x08\x01"
_ASKED = {b""}
"""The whole server; the real one registers no name of a service either."""


def add_health(server: Any) -> None:
    """Answer Check, and Watch with one message."""
    handlers = {
        "Check": grpc.unary_unary_rpc_method_handler(_check),
        "Watch": grpc.unary_stream_rpc_method_handler(lambda request, context: iter([_check(request, context)])),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("grpc.health.v1.Health", handlers),))


def _check(request: bytes, context: grpc.ServicerContext) -> bytes:
    if request not in _ASKED:
        context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
    return _SERVING
