"""The REST side: verbs, bodies and error replies, as a plain function from a request to a reply."""

import gzip
import json
import time
import zlib
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from google.protobuf import json_format
from tensorflow_serving.apis import classification_pb2, get_model_metadata_pb2, get_model_status_pb2, model_pb2, regression_pb2

from include.model_server.core import SIGNATURE_DEF, Core, servable
from include.model_server.errors import as_status, invalid
from include.model_server.json_examples import fill_examples, write_classifications, write_regressions
from include.model_server.json_fast import FastBody, turn
from include.model_server.json_read import read_inputs
from include.model_server.json_text import parse_body, signature_name
from include.model_server.json_write import write_outputs
from include.model_server.paths import Target, is_api, parse_path
from include.model_server.predict import run_signature
from include.model_server.registry import Version
from include.model_server.signatures import DEFAULT, Signature, find

Body = bytes | bytearray
JSON, TEXT = "application/json", "text/plain"
UNZIPPED_LIMIT = 1 << 30
"""A small zipped body must not fill the memory."""


@dataclass(frozen=True)
class Reply:
    """An HTTP reply. `api` says that it is one of the REST API's, which may carry CORS headers."""

    status: int
    body: bytes
    content_type: str = JSON
    api: bool = True


def handle(core: Core, metrics_path: str, method: str, target: str, headers: dict[str, str], body: Body) -> Reply:
    """Answer one request. `target` is the raw path with its query, header names are lower case."""
    path = target.partition("?")[0]
    if metrics_path and path == metrics_path and method == "GET":
        return Reply(200, core.metrics.page().encode(), TEXT, api=False)
    if not is_api(path):
        return Reply(404, b"Not found\n", TEXT, api=False)
    if method == "OPTIONS" and core.flags.rest_api_enable_cors_support:
        return Reply(200, b"")
    started, model = time.perf_counter(), ""
    try:
        found = parse_path(method, path)
        model = found.name
        reply = _VERBS.get(found.verb, _status)(core, found, headers, body)
    except Exception as error:
        status = as_status(error)
        core.count(model, status.code.name)
        text = json.dumps({"error": status.message}, ensure_ascii=False)
        return Reply(status.code.http, text.encode("utf-8", "surrogateescape"))
    if method == "POST":
        core.observe(model, found.verb, "REST", started)
    core.count(model, "OK")
    return Reply(200, reply)


def _predict(core: Core, found: Target, headers: dict[str, str], body: Body) -> bytes:
    text = _unzipped(headers, body)
    with ExitStack() as held:
        with turn(text):
            version, signature, inputs, row = _understood(core, found, text, held)
        call = core.call(version.model, "Predict", core.flags.rest_api_timeout_in_ms)
        outputs = run_signature(servable(version), signature, inputs, call)
    return write_outputs(outputs, row)


def _understood(core: Core, found: Target, text: Body, held: ExitStack) -> tuple[Version, Signature, dict[str, Any], bool]:
    """Who is asked, and what; the version stays borrowed as long as `held` is open. Raises StatusError."""
    fast = FastBody.parse(text)
    name = fast.signature_name if fast else None
    slow = None if name is not None else parse_body(text)
    if slow is not None:
        name = signature_name(slow)
    spec = model_pb2.ModelSpec()
    found.fill(spec)
    version = held.enter_context(core.borrow(spec))
    text_of_missing = f'Serving signature name: "{name or DEFAULT}" not found in signature def'
    signature = find(servable(version).signatures, name or "", lambda: invalid(text_of_missing))
    if not signature.feeds:
        raise invalid(f"Failed to get input map for signature: {name or 'DEFAULT'}")
    read = fast.inputs(signature.infos) if fast and slow is None else None
    inputs, row = read or _read(slow or parse_body(text), signature, text)
    return version, signature, inputs, row


def _read(value: dict[str, Any], signature: Signature, text: Body) -> tuple[dict[str, Any], bool]:
    return read_inputs(value, signature.infos, plain=b"true" not in text and b"false" not in text)


def _classify(core: Core, found: Target, headers: dict[str, str], body: Body) -> bytes:
    request, response = classification_pb2.ClassificationRequest(), classification_pb2.ClassificationResponse()
    _examples(core, found, headers, body, request, response, core.classify)
    return write_classifications(response.result)


def _regress(core: Core, found: Target, headers: dict[str, str], body: Body) -> bytes:
    request, response = regression_pb2.RegressionRequest(), regression_pb2.RegressionResponse()
    _examples(core, found, headers, body, request, response, core.regress)
    return write_regressions(response.result)


def _examples(
    core: Core, found: Target, headers: dict[str, str], body: Body, request: Any, response: Any, call: Callable[..., None]
) -> None:
    found.fill(request.model_spec)
    value = parse_body(_unzipped(headers, body))
    request.model_spec.signature_name = signature_name(value)
    fill_examples(value, request.input)
    call(request, response, found.verb.capitalize(), core.flags.rest_api_timeout_in_ms)


def _status(core: Core, found: Target, *_: Any) -> bytes:
    request = get_model_status_pb2.GetModelStatusRequest()
    found.fill(request.model_spec)
    return _dump(_fields(core.status(request)))


def _metadata(core: Core, found: Target, *_: Any) -> bytes:
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=[SIGNATURE_DEF])
    found.fill(request.model_spec)
    response = core.metadata(request)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    response.metadata[SIGNATURE_DEF].Unpack(signatures)
    spec = {
        "name": response.model_spec.name,
        "signature_name": response.model_spec.signature_name,
        "version": str(response.model_spec.version.value),
    }
    return _dump({"model_spec": spec, "metadata": {SIGNATURE_DEF: _fields(signatures)}})


_VERBS: dict[str, Callable[[Core, Target, dict[str, str], Body], bytes]] = {
    "predict": _predict,
    "classify": _classify,
    "regress": _regress,
    "metadata": _metadata,
}


def _unzipped(headers: dict[str, str], body: Body) -> Body:
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
