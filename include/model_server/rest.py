"""The REST side: paths, verbs, bodies and error replies, as a plain function from a request to a reply."""

import gzip
import json
import re
import time
import zlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from google.protobuf import json_format
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2, predict_pb2

from include.model_server.core import SIGNATURE_DEF, Core, check_supported
from include.model_server.errors import StatusError, as_status, invalid
from include.model_server.json_read import parse_body, read_inputs, signature_name
from include.model_server.json_write import write_outputs
from include.model_server.predict import DEFAULT_SIGNATURE, run_signature
from include.model_server.sessions import Servable
from include.model_server.versions import INT64_MAX

JSON, TEXT = "application/json", "text/plain"
UNZIPPED_LIMIT = 1 << 30
"""A small zipped body must not fill the memory."""

_MODEL = r"/v1/models(?:/(?P<name>[^/:]+)(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?)?"
_POST = re.compile(_MODEL + r":(?P<verb>classify|regress|predict)", re.IGNORECASE)
_GET = re.compile(_MODEL + r"(?P<metadata>/metadata)?", re.IGNORECASE)


@dataclass(frozen=True)
class Reply:
    """An HTTP reply."""

    status: int
    body: bytes
    content_type: str = JSON


def handle(core: Core, metrics_path: str, method: str, target: str, headers: dict[str, str], body: bytes) -> Reply:
    """Answer one request. `target` is the raw path with its query, header names are lower case."""
    path = target.partition("?")[0]
    if metrics_path and path == metrics_path and method == "GET":
        return Reply(200, core.metrics.page().encode(), TEXT)
    if not re.match(r"/v1(/|$)", path, re.IGNORECASE):
        return Reply(404, b"Not found\n", TEXT)
    model = ""
    try:
        if method == "OPTIONS" and core.flags.rest_api_enable_cors_support:
            return Reply(200, b"")
        found = (_POST if method == "POST" else _GET).fullmatch(path) if method in ("POST", "GET") else None
        if not found:
            raise invalid(f"Malformed request: {method} {path}")
        model = unquote(found["name"] or "")
        reply = _post(core, found, headers, body) if method == "POST" else _get(core, found)
        core.metrics.count("request_count", model_name=model, status="OK")
        return Reply(200, reply)
    except Exception as error:
        status = as_status(error)
        core.metrics.count("request_count", model_name=model, status=status.code.name)
        return Reply(status.code.http, json.dumps({"error": status.message}, ensure_ascii=False).encode("utf-8", "replace"))


def _post(core: Core, found: re.Match[str], headers: dict[str, str], body: bytes) -> bytes:
    if found["verb"] not in ("classify", "regress", "predict"):
        raise invalid(f"Malformed request: POST {found[0]}")
    started = time.perf_counter()
    request = predict_pb2.PredictRequest()
    _name(request.model_spec, found)
    if found["verb"] != "predict":
        raise check_supported(found["verb"].capitalize())
    value = parse_body(_unzipped(headers, body))
    with core.borrow(request) as version:
        servable = version.loaded
        assert isinstance(servable, Servable)  # a borrowed version is loaded
        wanted = signature_name(value) or DEFAULT_SIGNATURE
        if wanted not in servable.signatures:
            raise invalid(f'Serving signature name: "{wanted}" not found in signature def')
        definition = servable.signatures[wanted]
        inputs, row = read_inputs(value, definition.inputs)
        ran = time.perf_counter()
        outputs = run_signature(servable, definition, inputs)
        core.observe_runtime(version.model, "predict", ran)
    reply = write_outputs(outputs, row)
    core.observe(request.model_spec.name, "predict", "REST", started)
    return reply


def _get(core: Core, found: re.Match[str]) -> bytes:
    if not found["name"]:
        raise invalid("Missing model name in request.")
    if found["metadata"]:
        return _metadata(core, found)
    request = get_model_status_pb2.GetModelStatusRequest()
    _name(request.model_spec, found)
    if request.model_spec.version_label:
        number = core.manager.resolve(request.model_spec.name, request.model_spec.version_label)
        request.model_spec.version.value = number
    return _dump(_fields(core.status(request)))


def _metadata(core: Core, found: re.Match[str]) -> bytes:
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=[SIGNATURE_DEF])
    _name(request.model_spec, found)
    response = core.metadata(request)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    response.metadata[SIGNATURE_DEF].Unpack(signatures)
    spec = {
        "name": response.model_spec.name,
        "signature_name": response.model_spec.signature_name,
        "version": str(response.model_spec.version.value),
    }
    return _dump({"model_spec": spec, "metadata": {SIGNATURE_DEF: _fields(signatures)}})


def _name(spec: Any, found: re.Match[str]) -> None:
    if not found["name"]:
        raise invalid("Missing model name in request.")
    spec.name = unquote(found["name"])
    if found["version"]:
        if int(found["version"]) > INT64_MAX:
            raise invalid(f"Failed to convert version: {found['version']} to numeric.")
        spec.version.value = int(found["version"])
    elif found["label"]:
        spec.version_label = unquote(found["label"])


def _unzipped(headers: dict[str, str], body: bytes) -> bytes:
    if headers.get("content-encoding", "").lower() != "gzip":
        return body
    try:
        unzip = zlib.decompressobj(wbits=31)
        out = unzip.decompress(body, UNZIPPED_LIMIT)
    except (zlib.error, gzip.BadGzipFile) as error:
        raise invalid(f"The body is not gzip: {error}") from error
    if unzip.unconsumed_tail:
        raise invalid("The unzipped body is too large")
    return out


def _fields(message: Any) -> dict[str, Any]:
    """All fields by their own names, those with default values too."""
    return json_format.MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)


def _dump(value: Any) -> bytes:
    return json.dumps(value, indent=1, ensure_ascii=False).encode("utf-8", "replace")


__all__ = ["Reply", "StatusError", "handle"]
