"""The body of a REST classify or regress request: tf.Examples from JSON, and the reply's results to JSON."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from include.model_server.errors import invalid
from include.model_server.json_read import decode_b64, is_b64, text_bytes
from include.model_server.json_text import kind_name, shown
from include.model_server.json_write import dump, shortest

_KINDS = {"int64_list": "int64", "float_list": "float", "bytes_list": "bytes"}
INT64 = range(-(1 << 63), 1 << 63)


def fill_examples(body: Mapping[str, Any], target: Any) -> None:
    """Write `examples` and `context` into a tensorflow.serving.Input. Raises StatusError in the words of TF Serving."""
    examples = target.example_list.examples
    if "context" in body:
        examples = target.example_list_with_context.examples
        _fill(body["context"], target.example_list_with_context.context)
    if "examples" not in body:
        raise invalid(f"JSON Value: {shown(body)} When method is classify, key 'examples' is expected and was not found")
    if not isinstance(body["examples"], list):
        raise invalid(f"JSON Value: {shown(body)} Expecting 'examples' value to be an list/array")
    if not body["examples"]:
        raise invalid(f"JSON Value: {shown(body)} 'examples' value is an empty array")
    for value in body["examples"]:
        _fill(value, examples.add())


def write_classifications(result: Any) -> bytes:
    """The reply to classify: a list of [label, score] for each example."""
    rows = [(one.label, one.score) for each in result.classifications for one in each.classes]
    scores = iter(shortest(np.array([score for _, score in rows], np.float32)).tolist())
    found = [[[one.label, next(scores)] for one in each.classes] for each in result.classifications]
    return dump({"results": found})


def write_regressions(result: Any) -> bytes:
    """The reply to regress: a number for each example."""
    return dump({"results": shortest(np.array([one.value for one in result.regressions], np.float32)).tolist()})


def _fill(value: Any, example: Any) -> None:
    if not isinstance(value, dict):
        raise invalid(f"Example must be JSON object but got JSON {kind_name(value)}")
    for name, content in value.items():
        feature = example.features.feature[name]
        for item in content if isinstance(content, list) else [content]:
            _add(item, name, feature)


def _add(value: Any, name: str, feature: Any) -> None:
    kind, converted = _feature(value, name)
    known = feature.WhichOneof("kind")
    if known not in (None, kind):
        raise invalid(f"Unexpected element type in feature: {name} expecting type: {_KINDS[known]}")
    getattr(feature, kind).value.append(converted)


def _feature(value: Any, name: str) -> tuple[str, Any]:
    if isinstance(value, bool | int):
        if value not in INT64:
            raise invalid(f"Feature: {name} has uint64 element. Only int64 is supported.")
        return "int64_list", int(value)
    if isinstance(value, float):
        with np.errstate(over="ignore"):
            return "float_list", float(np.float32(value))
    if isinstance(value, str):
        return "bytes_list", text_bytes(value)
    if is_b64(value):
        return "bytes_list", decode_b64(value["b64"])
    raise invalid(f"Feature: {name} has element with unexpected JSON type: {kind_name(value)}")
