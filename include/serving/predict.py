"""Ask a model server, or the gateway before it, over gRPC."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

from include.serving.routes import ARM_HEADER, GRPC_PATH, HOUSEHOLD_HEADER, REQUEST_HEADER, SURFACE_HEADER
from include.serving.wire import message

if TYPE_CHECKING:
    import numpy as np

DTYPES = {"float32": 1, "float64": 2, "int32": 3, "string": 7, "int64": 9, "bool": 10}
"""tensorflow.DataType of the NumPy types that are used here."""
_VALUES = {1: "float_val", 2: "double_val", 3: "int_val", 7: "string_val", 9: "int64_val", 10: "bool_val"}
NO_LIMIT = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


@dataclass(frozen=True)
class Reply:
    """One answer. `code` is OK or the gRPC status; `outputs` is empty and `detail` says why when it is not OK."""

    code: str
    outputs: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    detail: str = ""


class Client:
    """A channel to one address, to be used by several threads and closed at the end."""

    def __init__(self, address: str) -> None:
        import grpc

        self._grpc = grpc
        self._channel = grpc.insecure_channel(address, options=NO_LIMIT)
        self._predict = self._channel.unary_unary(
            GRPC_PATH,
            request_serializer=lambda request: request.SerializeToString(),
            response_deserializer=message("PredictResponse").FromString,
        )

    def predict(
        self,
        surface: str,
        inputs: Mapping[str, "np.ndarray"],
        *,
        household: str = "",
        request_id: str = "",
        arm: str = "",
        version: int | None = None,
        seconds: float = 5.0,
    ) -> Reply:
        """One Predict of `serving_default`. Errors come back as a Reply, they are not raised."""
        who = header_text(household)
        headers = {SURFACE_HEADER: surface, HOUSEHOLD_HEADER: who, REQUEST_HEADER: request_id, ARM_HEADER: arm}
        sent = [(key, value) for key, value in headers.items() if value]
        try:
            response, call = self._predict.with_call(request(surface, inputs, version), timeout=seconds, metadata=sent)
        except self._grpc.RpcError as error:
            return Reply(error.code().name, headers=_headers(error), detail=str(error.details()))
        outputs = {entry.key: array(entry.value) for entry in response.outputs}
        return Reply("OK", outputs, _headers(call))

    def close(self) -> None:
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def header_text(household: str) -> str:
    """A household as a header may carry it: ASCII as it is, anything else percent-encoded. Only the gateway's hash reads it."""
    return household if household.isascii() and household.isprintable() else quote(household)


def request(surface: str, inputs: Mapping[str, "np.ndarray"], version: int | None = None) -> Any:
    """A PredictRequest of the signature `serving_default`."""
    made = message("PredictRequest")()
    made.model_spec.name, made.model_spec.signature_name = surface, "serving_default"
    if version is not None:
        made.model_spec.version.value = version
    for name, value in inputs.items():
        made.inputs.add(key=name).value.CopyFrom(tensor(value))
    return made


def tensor(value: "np.ndarray") -> Any:
    """A TensorProto of numbers or truth values as raw bytes, or of texts (str or bytes in an object array)."""
    if value.dtype.kind in "OU":
        texts = [text if isinstance(text, bytes) else str(text).encode() for text in value.ravel().tolist()]
        return _shaped(message("Tensor")(dtype=DTYPES["string"], string_val=texts), value)
    return _shaped(message("Tensor")(dtype=DTYPES[value.dtype.name], tensor_content=value.tobytes()), value)


def _shaped(made: Any, value: "np.ndarray") -> Any:
    for size in value.shape:
        made.tensor_shape.dim.add(size=size)
    return made


def array(proto: Any) -> "np.ndarray":
    """A TensorProto as an array; texts as str. A value list shorter than the shape repeats its last value.

    Raises:
        ValueError: a type that is not used here.
    """
    import numpy as np

    shape = tuple(dim.size for dim in proto.tensor_shape.dim)
    if proto.dtype == DTYPES["string"]:
        values: Any = [value.decode("utf-8", "replace") for value in proto.string_val]
        kind: Any = object
    else:
        names = [name for name, number in DTYPES.items() if number == proto.dtype]
        if not names:
            raise ValueError(f"Tensors of type {proto.dtype} are not read here")
        kind = np.dtype(names[0])
        if proto.tensor_content:
            return np.frombuffer(proto.tensor_content, kind).reshape(shape)
        values = getattr(proto, _VALUES[proto.dtype])
    size = int(np.prod(shape))
    flat = np.array(list(values)[:size], kind)
    if len(flat) < size:
        flat = np.concatenate([flat, np.full(size - len(flat), flat[-1] if len(flat) else kind(0), kind)])
    return flat.reshape(shape)


def _headers(call: Any) -> dict[str, str]:
    known = [*(call.initial_metadata() or ()), *(call.trailing_metadata() or ())]
    return {key: value for key, value in known if key.startswith("x-nightfill-") and isinstance(value, str)}
