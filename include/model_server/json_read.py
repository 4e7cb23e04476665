"""The body of a REST predict request: from JSON to arrays by alias, with TF Serving's rules and words."""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from include.model_server.errors import invalid

_BARE_INF = re.compile(rb'"(?:[^"\\]|\\.)*"|\bInf\b', re.DOTALL)

DEEPEST = 64
"""Dimensions that an array can have."""

_CHECKED_AS = {tf.int8: tf.int32, tf.int16: tf.int32, tf.uint8: tf.int32}
"""Small integers are checked as int32 first, as the real server does."""


def parse_body(body: bytes) -> dict[str, Any]:
    """The JSON object of a request; what follows it is ignored. NaN, Inf, Infinity and their negatives are numbers.

    Raises:
        StatusError: INVALID_ARGUMENT for anything else, nesting without end included.
    """
    if b"Inf" in body:
        body = _BARE_INF.sub(lambda found: b"Infinity" if found[0] == b"Inf" else found[0], body)
    try:
        text = body.decode("utf-8-sig").lstrip()
        if not text:
            raise invalid("JSON Parse error: The document is empty")
        value, _ = json.JSONDecoder().raw_decode(text)
    except UnicodeDecodeError as error:
        raise invalid(f"JSON Parse error: Invalid encoding in string. at offset: {error.start}") from error
    except json.JSONDecodeError as error:
        raise invalid(f"JSON Parse error: {error.msg} at offset: {error.pos}") from error
    except (RecursionError, ValueError) as error:
        raise invalid(f"JSON Parse error: {type(error).__name__} at offset: 0") from error
    if not isinstance(value, dict):
        raise invalid(f"JSON Value: {shown(value)} Is not object")
    return value


def signature_name(body: Mapping[str, Any]) -> str:
    """The signature that is asked for, or an empty string. Raises StatusError when it is no string."""
    name = body.get("signature_name", "")
    if not isinstance(name, str):
        raise invalid(f"JSON Value: {shown(body)} 'signature_name' key must be a string value.")
    return name


def read_inputs(body: Mapping[str, Any], infos: Mapping[str, Any]) -> tuple[dict[str, np.ndarray], bool]:
    """Arrays by alias, and whether the request was in the row format (`instances`).

    Args:
        infos: TensorInfo by alias, from the signature.
    """
    if "instances" not in body and "inputs" not in body:
        raise invalid(f"JSON Value: {shown(body)} Missing 'inputs' or 'instances' key")
    if "instances" in body and "inputs" in body:
        raise invalid(f"JSON Value: {shown(body)} expecting only one of 'inputs' or 'instances' keys to exist")
    try:
        if "instances" in body:
            return _rows(body["instances"], infos), True
        return _columns(body["inputs"], infos), False
    except RecursionError as error:
        raise invalid("JSON Value: nested too deeply") from error


def shown(value: Any) -> str:
    """A value in an error text, cut: an answer must not carry back megabytes."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 200 else text[:200] + "..."


def _rows(instances: Any, infos: Mapping[str, Any]) -> dict[str, np.ndarray]:
    if not isinstance(instances, list):
        raise invalid(f"JSON Value: {shown(instances)} Expecting 'instances' to be an list/array")
    if not instances:
        raise invalid(f"JSON Value: {shown(instances)} No values in 'instances' array")
    if isinstance(instances[0], dict) and not _is_b64(instances[0]):
        columns = _named_rows(instances, infos)
    elif len(infos) != 1:
        raise invalid(
            "instances is a plain list, but expecting list of objects as multiple input tensors required as per tensorinfo_map"
        )
    else:
        for position, item in enumerate(instances):
            if isinstance(item, dict) and not _is_b64(item):
                raise invalid(f"Expecting value/list but got object at item {position} of input list")
        columns = {next(iter(infos)): instances}
    return {alias: _array(values, infos[alias]) for alias, values in columns.items()}


def _named_rows(instances: list[Any], infos: Mapping[str, Any]) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {alias: [] for alias in infos}
    for position, item in enumerate(instances):
        if not isinstance(item, dict) or _is_b64(item):
            raise invalid(f"Expecting object but got list at item {position} of input list")
        for key, value in item.items():
            if key not in columns:
                raise invalid(
                    f"Failed to process element: {position} key: {key} of 'instances' list. Error: INVALID_ARGUMENT: "
                    f"JSON object: does not have named input: {key}"
                )
            columns[key].append(value)
        if set(item) != set(infos):
            raise invalid(
                f"Failed to process element: {position} of 'instances' list. JSON Value: {shown(item)} "
                f"keys must be equal to: {','.join(sorted(infos))}"
            )
    return columns


def _columns(inputs: Any, infos: Mapping[str, Any]) -> dict[str, np.ndarray]:
    if not isinstance(inputs, dict) or _is_b64(inputs):
        if len(infos) != 1:
            raise invalid(
                "inputs is a plain value/list, but expecting an object as multiple input tensors required as per tensorinfo_map"
            )
        return {alias: _array(inputs, info) for alias, info in infos.items()}
    for alias in infos:
        if alias not in inputs:
            raise invalid(f"Missing named input: {alias} in 'inputs' object.")
    return {alias: _array(inputs[alias], info) for alias, info in infos.items()}


def _array(value: Any, info: Any) -> np.ndarray:
    """One tensor: the shape from the first path down, then every value where that shape says."""
    kind = tf.as_dtype(info.dtype)
    shape = _shape(value)
    flat: list[Any] = []
    _fill(value, shape, 0, kind, flat)
    if kind == tf.string:
        array = np.empty(len(flat), dtype=object)
        array[:] = flat
    else:
        with np.errstate(over="ignore"):
            array = np.array(flat, dtype=kind.as_numpy_dtype)
    return array.reshape(shape)


def _shape(value: Any) -> list[int]:
    shape: list[int] = []
    while isinstance(value, list):
        if len(shape) == DEEPEST:
            raise invalid(f"JSON Value: nested more than {DEEPEST} levels deep")
        shape.append(len(value))
        if not value:
            break
        value = value[0]
    return shape


def _fill(value: Any, shape: list[int], level: int, kind: tf.DType, flat: list[Any]) -> None:
    if not isinstance(value, list):
        if level != len(shape):
            raise invalid(
                f"JSON Value: {shown(value)} Type: {_type(value)} is found at incorrect level: {level} in the JSON DOM. "
                f"Expected at level: {len(shape)}"
            )
        flat.append(_scalar(value, kind))
        return
    if level >= len(shape) or len(value) != shape[level]:
        expected = shape[level] if level < len(shape) else 0
        raise invalid(f"Encountered list at unexpected size: {len(value)} at level: {level} expected size: {expected}")
    for item in value:
        _fill(item, shape, level + 1, kind, flat)


def _scalar(value: Any, kind: tf.DType) -> Any:
    if kind == tf.string:
        return _string(value, kind)
    if kind == tf.bool:
        good = isinstance(value, bool)
    elif kind.is_integer:
        good = isinstance(value, int) and not isinstance(value, bool) and _in_range(value, kind)
    else:
        good = isinstance(value, int | float) and not isinstance(value, bool)
    if not good:
        raise invalid(f"JSON Value: {shown(value)} Type: {_type(value)} is not of expected type: {_name(kind)}")
    return _double(value) if kind.is_floating else value


def _double(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _in_range(value: int, kind: tf.DType) -> bool:
    if not _CHECKED_AS.get(kind, kind).min <= value <= _CHECKED_AS.get(kind, kind).max:
        return False
    return bool(kind.min <= value <= kind.max)


def _string(value: Any, kind: tf.DType) -> bytes:
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    if not _is_b64(value):
        raise invalid(f"JSON Value: {shown(value)} Type: {_type(value)} is not of expected type: {_name(kind)}")
    try:
        return base64.b64decode(value["b64"], validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid("Unable to base64 decode") from error


def _is_b64(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"b64"} and isinstance(value["b64"], str)


def _name(kind: tf.DType) -> str:
    """TensorFlow's C++ names."""
    return {"float32": "float", "float64": "double"}.get(kind.name, kind.name)


def _type(value: Any) -> str:
    names = {bool: str(value), dict: "Object", list: "Array", str: "String", type(None): "Null"}
    return names.get(type(value), "Number")
