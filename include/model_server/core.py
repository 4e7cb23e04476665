"""The calls themselves, on protocol messages; gRPC and REST only carry them."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from google.protobuf.wrappers_pb2 import Int64Value
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_management_pb2,
    model_pb2,
)

from include.model_server.calls import Call
from include.model_server.classify import classify
from include.model_server.config import model_specs
from include.model_server.errors import Code, invalid
from include.model_server.flags import Flags
from include.model_server.loader import Loader
from include.model_server.manager import Manager, Options
from include.model_server.metrics import Metrics
from include.model_server.multi_inference import model_spec, multi_inference
from include.model_server.predict import predict
from include.model_server.registry import Version
from include.model_server.regress import regress
from include.model_server.sessions import Servable

SIGNATURE_DEF = "signature_def"


class Core:
    """One server: its flags, its models, its metrics."""

    def __init__(self, flags: Flags) -> None:
        self.flags = flags
        self.metrics = Metrics()
        self.manager = Manager(
            Loader(flags, self.metrics).load,
            Options(
                poll_seconds=flags.file_system_poll_wait_seconds,
                retries=flags.max_num_load_retries,
                retry_seconds=flags.load_retry_interval_micros / 1e6,
                labels_ahead=flags.allow_version_labels_for_unavailable_models,
                load_threads=flags.num_load_threads,
                unload_threads=flags.num_unload_threads,
            ),
        )

    def predict(self, request: Any, response: Any, api: str, timeout_ms: int = 0) -> None:
        """Answer a PredictRequest. Raises StatusError, tf.errors.OpError."""
        self._infer(predict, request, response, api, timeout_ms)

    def classify(self, request: Any, response: Any, api: str, timeout_ms: int = 0) -> None:
        """Answer a ClassificationRequest. Raises StatusError, tf.errors.OpError."""
        self._infer(classify, request, response, api, timeout_ms)

    def regress(self, request: Any, response: Any, api: str, timeout_ms: int = 0) -> None:
        """Answer a RegressionRequest. Raises StatusError, tf.errors.OpError."""
        self._infer(regress, request, response, api, timeout_ms)

    def multi_inference(self, request: Any, response: Any, api: str, timeout_ms: int = 0) -> None:
        """Answer a MultiInferenceRequest; the first task chooses the version. Raises StatusError, tf.errors.OpError."""
        with self.borrow(model_spec(request)) as version:
            multi_inference(servable(version), request, response, self.call(version.model, api, timeout_ms))
            for result in response.results:
                _answered(result.model_spec, version)

    def call(self, model: str, api: str, timeout_ms: int) -> Call:
        """The manner of one call, by the flags."""
        metrics = self.metrics

        def ran(spent: float) -> None:
            metrics.observe("runtime_latency", spent, model_name=model, API=api, runtime="TF1")

        def examples(count: int) -> None:
            metrics.observe("request_example_counts", count, model=model)
            metrics.count("request_example_count_total", count, model=model)

        flags = self.flags
        content, check = flags.enable_serialization_as_tensor_content, flags.enable_signature_method_name_check
        return Call(timeout_ms, content, check, ran, examples)

    def borrow(self, spec: Any) -> AbstractContextManager[Version]:
        """The version that a model_spec names. Raises StatusError."""
        if spec is None or not spec.name:
            raise invalid("ModelSpec has no name specified.")
        number = spec.version.value if spec.HasField("version") else None
        return self.manager.borrow(spec.name, number, spec.version_label or None)

    def status(self, request: get_model_status_pb2.GetModelStatusRequest) -> get_model_status_pb2.GetModelStatusResponse:
        """The states of a model's versions, the highest first; a label is ignored, as the real server does."""
        if not request.HasField("model_spec"):
            raise invalid("Missing ModelSpec")
        spec = request.model_spec
        response = get_model_status_pb2.GetModelStatusResponse()
        for version in self.manager.versions(spec.name, spec.version.value if spec.HasField("version") else None):
            entry = response.model_version_status.add(version=version.number, state=int(version.state))
            entry.status.error_code = int(version.error.code) if version.error else 0
            entry.status.error_message = version.error.message if version.error else ""
        return response

    def metadata(
        self, request: get_model_metadata_pb2.GetModelMetadataRequest
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        """The signatures of a version."""
        if not request.HasField("model_spec"):
            raise invalid("Missing ModelSpec")
        if not request.metadata_field:
            raise invalid("GetModelMetadataRequest must specify at least one metadata_field")
        for name in request.metadata_field:
            if name != SIGNATURE_DEF:
                raise invalid(f"Metadata field {name} is not supported")
        with self.borrow(request.model_spec) as version:
            spec = model_pb2.ModelSpec(name=version.model, version=Int64Value(value=version.number))
            signatures = get_model_metadata_pb2.SignatureDefMap()
            for name, signature in servable(version).signatures.items():
                signatures.signature_def[name].CopyFrom(signature.definition)
        response = get_model_metadata_pb2.GetModelMetadataResponse(model_spec=spec)
        response.metadata[SIGNATURE_DEF].Pack(signatures)
        return response

    def reload(self, request: model_management_pb2.ReloadConfigRequest) -> model_management_pb2.ReloadConfigResponse:
        """Serve another list of models. Raises StatusError when it is refused."""
        before = {name: self.metrics.total(name) for name in request.metric_names}
        if request.config.WhichOneof("config") != "model_config_list":
            raise invalid(
                "ServerModelConfig type not supported by HandleReloadConfigRequest. Only ModelConfigList is currently supported"
            )
        self.manager.reload(model_specs(request.config))
        response = model_management_pb2.ReloadConfigResponse()
        response.status.error_code = int(Code.OK)
        for name, value in before.items():
            response.metric.add(name=name, int64_value_increase=self.metrics.total(name) - value)
        return response

    def count(self, model: str, status: str) -> None:
        """Count one request by how it ended."""
        self.metrics.count("request_count", model_name=model, status=status)

    def observe(self, model: str, api: str, entrypoint: str, started: float) -> None:
        """Write down the latency of a request that went well; `started` is of the performance counter."""
        spent = (time.perf_counter() - started) * 1e6
        self.metrics.observe("request_latency", spent, model_name=model, API=api, entrypoint=entrypoint)

    def _infer(self, run: Callable[..., None], request: Any, response: Any, api: str, timeout_ms: int) -> None:
        if not request.HasField("model_spec"):
            raise invalid("Missing ModelSpec")
        with self.borrow(request.model_spec) as version:
            run(servable(version), request, response, self.call(version.model, api, timeout_ms))
            _answered(response.model_spec, version)


def servable(version: Version) -> Servable:
    """What a borrowed version has loaded."""
    assert isinstance(version.loaded, Servable)
    return version.loaded


def _answered(spec: Any, version: Version) -> None:
    spec.name = version.model
    spec.version.value = version.number
