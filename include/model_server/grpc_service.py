"""The gRPC side: PredictionService and ModelService."""

from collections.abc import Callable
from concurrent import futures
from typing import Any, NoReturn

import grpc
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

from include.model_server.core import Core, check_supported
from include.model_server.errors import StatusError, as_status

OPTIONS = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1), ("grpc.so_reuseport", 0)]
"""Messages of any size, and a port that is taken is an error rather than shared."""

_CODES = {code.value[0]: code for code in grpc.StatusCode}


def _abort(context: grpc.ServicerContext, error: StatusError) -> NoReturn:
    context.abort(_CODES[int(error.code)], error.message)
    raise error


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Predict and GetModelMetadata; the rest is refused by name."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def Predict(self, request: Any, context: grpc.ServicerContext) -> Any:
        model = request.model_spec.name
        try:
            response = self._core.predict(request, "Predict", "GRPC")
        except Exception as error:
            status = as_status(error)
            self._core.metrics.count("request_count", model_name=model, status=status.code.name)
            _abort(context, status)
        self._core.metrics.count("request_count", model_name=model, status="OK")
        return response

    def GetModelMetadata(self, request: Any, context: grpc.ServicerContext) -> Any:
        return _answer(self._core.metadata, request, context)

    def Classify(self, request: Any, context: grpc.ServicerContext) -> Any:
        _abort(context, check_supported("Classify"))

    def Regress(self, request: Any, context: grpc.ServicerContext) -> Any:
        _abort(context, check_supported("Regress"))

    def MultiInference(self, request: Any, context: grpc.ServicerContext) -> Any:
        _abort(context, check_supported("MultiInference"))


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
    """Listens on the port of the flags once it is started. Raises RuntimeError when the port is taken."""

    def __init__(self, core: Core) -> None:
        pool = futures.ThreadPoolExecutor(max_workers=core.flags.grpc_max_threads, thread_name_prefix="grpc")
        self._server = grpc.server(pool, options=OPTIONS)
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(PredictionService(core), self._server)
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(ModelService(core), self._server)
        self._server.add_insecure_port(f"{core.flags.bind_address}:{core.flags.port}")

    def start(self) -> None:
        """Begin to answer."""
        self._server.start()

    def stop(self, seconds: float = 1.0) -> None:
        """Take nothing new, and give what is in flight a moment."""
        self._server.stop(seconds).wait(seconds)
