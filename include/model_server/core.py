"""The calls themselves, on protocol messages; gRPC and REST only carry them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from google.protobuf.wrappers_pb2 import Int64Value
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_management_pb2,
    model_pb2,
    predict_pb2,
)

from include.model_server.config import model_specs
from include.model_server.errors import Code, StatusError, invalid
from include.model_server.flags import Flags
from include.model_server.manager import Manager, Options, Version
from include.model_server.metrics import Metrics
from include.model_server.predict import predict
from include.model_server.sessions import Servable
from include.model_server.warmup import warm_up

SIGNATURE_DEF = "signature_def"


class Core:
    """One server: its flags, its models, its metrics."""

    def __init__(self, flags: Flags) -> None:
        self.flags = flags
        self.metrics = Metrics()
        self.manager = Manager(
            self._load,
            Options(
                poll_seconds=flags.file_system_poll_wait_seconds,
                retries=flags.max_num_load_retries,
                retry_seconds=flags.load_retry_interval_micros / 1e6,
                labels_ahead=flags.allow_version_labels_for_unavailable_models,
            ),
        )

    def predict(self, request: predict_pb2.PredictRequest, api: str, entrypoint: str) -> predict_pb2.PredictResponse:
        """Answer a PredictRequest. Raises StatusError, tf.errors.OpError."""
        started = time.perf_counter()
        response = predict_pb2.PredictResponse()
        with self.borrow(request) as version:
            self.run(version, request, response)
        self.observe(request.model_spec.name, api, entrypoint, started)
        return response

    def run(self, version: Version, request: predict_pb2.PredictRequest, response: predict_pb2.PredictResponse) -> None:
        """Run a request on a borrowed version, and say which one answered."""
        started = time.perf_counter()
        servable = version.loaded
        assert isinstance(servable, Servable)  # a borrowed version is loaded
        response.model_spec.name = version.model
        response.model_spec.version.value = version.number
        predict(servable, request, response, self.flags.enable_serialization_as_tensor_content)
        self.observe_runtime(version.model, "Predict", started)

    @contextmanager
    def borrow(self, request: Any) -> Iterator[Version]:
        """The version that a request's model_spec names. Raises StatusError."""
        if not request.HasField("model_spec"):
            raise invalid("Missing ModelSpec")
        spec = request.model_spec
        if not spec.name:
            raise invalid("ModelSpec has no name specified.")
        number = spec.version.value if spec.HasField("version") else None
        with self.manager.borrow(spec.name, number, spec.version_label or None) as version:
            yield version

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
        if not request.metadata_field:
            raise invalid("GetModelMetadataRequest must specify at least one metadata_field")
        for name in request.metadata_field:
            if name != SIGNATURE_DEF:
                raise invalid(f"Metadata field {name} is not supported")
        with self.borrow(request) as version:
            spec = model_pb2.ModelSpec(name=version.model, version=Int64Value(value=version.number))
            signatures = get_model_metadata_pb2.SignatureDefMap()
            servable = version.loaded
            assert isinstance(servable, Servable)  # a borrowed version is loaded
            for name, definition in servable.signatures.items():
                signatures.signature_def[name].CopyFrom(definition)
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

    def observe(self, model: str, api: str, entrypoint: str, started: float) -> None:
        """Write down the latency of a request that went well."""
        spent = (time.perf_counter() - started) * 1e6
        self.metrics.observe("request_latency", spent, model_name=model, API=api, entrypoint=entrypoint)

    def observe_runtime(self, model: str, api: str, started: float) -> None:
        """Write down the time in the graph."""
        self.metrics.observe("runtime_latency", (time.perf_counter() - started) * 1e6, model_name=model, API=api, runtime="TF1")

    def _load(self, model: str, number: int, path: Path) -> Servable:
        servable = Servable(path, self.flags.tags, self.flags.intra_op, self.flags.inter_op)
        try:
            if self.flags.enable_model_warmup:
                warm_up(servable, path, self.flags.num_request_iterations_for_warmup, self.metrics)
        except BaseException:
            servable.close()
            raise
        return servable


def check_supported(api: str) -> StatusError:
    """The refusal of a call that belongs to the protocol and that this server does not answer."""
    return StatusError(Code.UNIMPLEMENTED, f"{api} is not served by this server; use tensorflow_model_server for it")
