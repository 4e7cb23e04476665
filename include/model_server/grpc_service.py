"""The gRPC side: PredictionService and ModelService, on a port and on a unix socket."""

import os
import time
from collections.abc import Callable
from concurrent import futures
from typing import Any, NoReturn

import grpc
from tensorflow_serving.apis import (
    classification_pb2,
    inference_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from include.model_server.core import Core
from include.model_server.errors import StatusError, as_status
from include.model_server.health import add_health
from include.model_server.ssl_config import credentials

OPTIONS: dict[str, Any] = {
    "grpc.max_receive_message_length": -1,
    "grpc.max_send_message_length": -1,
    "grpc.so_reuseport": 0,
}
"""Messages of any size, and a port that is taken is an error rather than shared."""

WORKING, WAITING = (os.cpu_count() or 1) + 1, 16
"""Threads that answer: more than there are cores only take the interpreter from each other, unless they wait for a batch."""

_CODES = {code.value[0]: code for code in grpc.StatusCode}


def _abort(context: grpc.ServicerContext, error: StatusError) -> NoReturn:
    context.abort(_CODES[int(error.code)], error.message)
    raise error


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Predict, Classify, Regress, MultiInference and GetModelMetadata."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def Predict(self, request: Any, context: grpc.ServicerContext) -> Any:
        return self._infer("Predict", self._core.predict, request, predict_pb2.PredictResponse(), context)

    def Classify(self, request: Any, context: grpc.ServicerContext) -> Any:
        response = classification_pb2.ClassificationResponse()
        return self._infer("Classify", self._core.classify, request, response, context)

    def Regress(self, request: Any, context: grpc.ServicerContext) -> Any:
        return self._infer("Regress", self._core.regress, request, regression_pb2.RegressionResponse(), context)

    def MultiInference(self, request: Any, context: grpc.ServicerContext) -> Any:
        response = inference_pb2.MultiInferenceResponse()
        try:
            self._core.multi_inference(request, response, "MultiInference", self._timeout_ms(context))
        except Exception as error:
            _abort(context, as_status(error))
        return response

    def GetModelMetadata(self, request: Any, context: grpc.ServicerContext) -> Any:
        return _answer(self._core.metadata, request, context)

    def _infer(self, api: str, call: Callable[..., None], request: Any, response: Any, context: grpc.ServicerContext) -> Any:
        started = time.perf_counter()
        model = request.model_spec.name
        try:
            call(request, response, api, self._timeout_ms(context))
        except Exception as error:
            status = as_status(error)
            self._core.count(model, status.code.name)
            _abort(context, status)
        self._core.observe(model, api, "GRPC", started)
        self._core.count(model, "OK")
        return response

    def _timeout_ms(self, context: grpc.ServicerContext) -> int:
        """What is left of the client's patience, in milliseconds; 0 is without end."""
        left = context.time_remaining() if self._core.flags.enforce_session_run_timeout else None
        return 0 if left is None or left > 1e9 else max(int(left * 1000), 1)


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """GetModelStatus and HandleReloadConfigRequest."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def GetModelStatus(self, request: Any, context: grpc.ServicerContext) -> Any:
        return _answer(self._core.status, request, context)

    def HandleReloadConfigRequest(self, request: Any, context: grpc.ServicerContext) -> Any:
        return _answer(self._core.reload, request, context)


def _answer(call: Callable[[Any], Any], request: Any, context: grpc.ServicerContext) -> Any:
    try:
        return call(request)
    except Exception as error:
        _abort(context, as_status(error))


class GrpcServer:
    """Listens once it is started. Raises RuntimeError when the port is taken, StatusError or OSError for bad keys."""

    def __init__(self, core: Core) -> None:
        flags = core.flags
        many = flags.grpc_max_threads or (WAITING if flags.enable_batching else WORKING)
        pool = futures.ThreadPoolExecutor(many, thread_name_prefix="grpc")
        self._server = grpc.server(pool, options=list({**OPTIONS, **dict(flags.channel_arguments)}.items()))
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(PredictionService(core), self._server)
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(ModelService(core), self._server)
        if flags.enable_grpc_healthcheck_service:
            add_health(self._server)
        keys = credentials(flags.ssl_config_file) if flags.ssl_config_file else None
        for address in _addresses(flags):
            if keys:
                self._server.add_secure_port(address, keys)
            else:
                self._server.add_insecure_port(address)

    def start(self) -> None:
        """Begin to answer."""
        self._server.start()

    def stop(self, seconds: float = 1.0) -> None:
        """Take nothing new, and give what is in flight a moment."""
        self._server.stop(seconds).wait(seconds)


def _addresses(flags: Any) -> list[str]:
    port = [f"{flags.bind_address}:{flags.port}"] if flags.port else []
    return port + ([f"unix:{flags.grpc_socket_path}"] if flags.grpc_socket_path else [])
