"""Put the parts together: load first, listen then, end promptly."""

import gc
import logging
import signal
import threading
from pathlib import Path

from include.model_server.config_file import first_config, poll_config_file
from include.model_server.core import Core
from include.model_server.errors import invalid
from include.model_server.flags import Flags
from include.model_server.grpc_service import GrpcServer
from include.model_server.http_server import HttpServer
from include.model_server.monitoring_config import metrics_path

log = logging.getLogger("model_server")


def serve(flags: Flags) -> None:
    """Serve until SIGTERM or SIGINT. Ports open only when the first models are available.

    Raises:
        StatusError, OSError, UnicodeDecodeError: the config is wrong, a model has only versions that cannot be loaded, or
            a port is taken.
    """
    gc.collect()
    gc.freeze()  # what TensorFlow's modules hold stays: to look through it again and again costs more than a large request
    core = Core(flags)
    page = metrics_path(Path(flags.monitoring_config_file).read_text("utf-8")) if flags.monitoring_config_file else ""
    core.manager.start()
    core.manager.reload(first_config(flags), first=True)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    listeners = _listen(core, page)
    if flags.model_config_file and flags.model_config_file_poll_wait_seconds > 0:
        poll_config_file(Path(flags.model_config_file), flags.model_config_file_poll_wait_seconds, core.manager)
    ended.wait()
    core.manager.stop()
    for listener in listeners:
        listener.stop()


def _listen(core: Core, page: str) -> list[GrpcServer | HttpServer]:
    flags = core.flags
    try:
        rpc = GrpcServer(core)
    except RuntimeError as error:
        raise invalid(f"Failed to BuildAndStart gRPC server: port {flags.port} cannot be had: {error}") from error
    rpc.start()
    listeners: list[GrpcServer | HttpServer] = [rpc]
    log.info("gRPC on %s:%d", flags.bind_address, flags.port)
    if flags.rest_api_port == flags.port:
        log.error("--rest_api_port is the same as --port: REST is not exported")
    elif flags.rest_api_port:
        try:
            rest = HttpServer(core, page)
        except OSError as error:
            raise invalid(f"port {flags.rest_api_port} cannot be had: {error}") from error
        rest.start()
        listeners.append(rest)
        log.info("REST on %s:%d", flags.bind_address, flags.rest_api_port)
    return listeners
