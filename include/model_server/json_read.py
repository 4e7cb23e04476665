"""The inputs of a REST predict request: from JSON values to arrays by alias, with TF Serving's rules and words.

A tensor of numbers is tried whole, by numpy. Only what numpy does not take as it is (texts, mixed kinds, mistakes) is walked
value by value, in the order of the real server, so that the first mistake is named as it names it.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from include.model_server.errors import Code, StatusError, invalid
from include.model_server.json_text import kind_name, shown

DEEPEST = 64
"""Dimensions that an array can have."""

_SMALL = (tf.int8, tf.int16, tf.uint8)
"""Checked as int32, and wrapped, as the real server does."""


def read_inputs(body: Mapping[str, Any], infos: Mapping[str, Any], plain: bool) -> tuple[dict[str, np.ndarray], bool]:
    """Arrays by alias, and whether the request was in the row format (`instances`).

    Args:
        infos: TensorInfo by alias, from the signature.
        plain: the text has neither true nor false, so that numpy cannot take one for a number.

    Raises:
        StatusError: INVALID_ARGUMENT in the words of TF Serving.
    """
    if "instances" in body:
        if "inputs" in body:
            raise _wrong(body, "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist ")
        if not isinstance(body["instances"], list):
            raise _wrong(body, "Expecting 'instances' to be an list/array")
        if not body["instances"]:
            raise _wrong(body, "No values in 'instances' array")
        return _rows(body["instances"], infos, plain), True
    if "inputs" not in body:
        raise invalid("Missing 'inputs' or 'instances' key")
    return _columns(body["inputs"], infos, plain), False


def _wrong(body: Mapping[str, Any], text: str) -> StatusError:
    return invalid(f"JSON Value: {shown(body)} {text}")


def is_object(value: Any) -> bool:
    """An object that stands for names and values, not for bytes."""
    return isinstance(value, dict) and not is_b64(value)


def is_b64(value: Any) -> bool:
    """An object that stands for bytes."""
    return isinstance(value, dict) and len(value) == 1 and isinstance(value.get("b64"), str)


def decode_b64(text: str) -> bytes:
    """The bytes of a base64 text, padded or not. Raises StatusError."""
    bare = re.sub(r"\s|=+\s*$", "", text)
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid("Unable to base64 decode") from error


def _rows(items: list[Any], infos: Mapping[str, Any], plain: bool) -> dict[str, np.ndarray]:
    if not isinstance(items[0], dict) and len(infos) > 1:
        raise invalid(
            "instances is a plain list, but expecting list of objects as multiple input tensors required as per tensorinfo_map"
        )
    named = is_object(items[0])
    columns = _gathered(items, infos) if named else {next(iter(infos)): items}
    if columns is not None and (named or not any(is_object(item) for item in items)):
        quick = {alias: _whole(values, infos[alias], plain) for alias, values in columns.items()}
        if all(array is not None for array in quick.values()):
            return quick  # type: ignore[return-value]
    return _walk_rows(items, infos, named)


def _gathered(items: list[Any], infos: Mapping[str, Any]) -> dict[str, list[Any]] | None:
    """The values of each input, or None when an item does not name exactly the inputs."""
    if any(type(item) is not dict or item.keys() != infos.keys() for item in items):
        return None
    return {alias: [item[alias] for item in items] for alias in infos}


def _walk_rows(items: list[Any], infos: Mapping[str, Any], named: bool) -> dict[str, np.ndarray]:
    tensors: dict[str, _Stack] = {}
    for position, item in enumerate(items):
        if is_object(item) != named:
            what = "Expecting object but got list" if named else "Expecting value/list but got object"
            raise invalid(f"{what} at item {position} of input list")
        for alias, value in item.items() if named else [(next(iter(infos)), item)]:
            try:
                if alias not in infos:
                    raise invalid(f"JSON object: does not have named input: {alias}")
                tensors.setdefault(alias, _Stack(infos[alias])).add(value)
            except StatusError as error:
                key = f" key: {alias}" if named else ""
                raise invalid(f"Failed to process element: {position}{key} of 'instances' list. Error: {error}") from error
        if named and item.keys() != infos.keys():
            raise invalid(
                f"Failed to process element: {position} of 'instances' list. JSON Value: {shown(item)} "
                f"keys must be equal to: {','.join(sorted(infos))}"
            )
    return {alias: tensor.array(len(items)) for alias, tensor in tensors.items()}


def _columns(inputs: Any, infos: Mapping[str, Any], plain: bool) -> dict[str, np.ndarray]:
    if not is_object(inputs):
        if len(infos) > 1:
            raise invalid(
                "inputs is a plain value/list, but expecting an object as multiple input tensors required as per tensorinfo_map"
            )
        return {alias: _column(inputs, info, plain) for alias, info in infos.items()}
    for alias in infos:
        if alias not in inputs:
            raise invalid(f"Missing named input: {alias} in 'inputs' object.")
    return {alias: _column(inputs[alias], info, plain) for alias, info in infos.items()}


def _column(value: Any, info: Any, plain: bool) -> np.ndarray:
    quick = _whole(value, info, plain) if isinstance(value, list) else None
    return read_column(value, info) if quick is None else quick


def read_column(value: Any, info: Any) -> np.ndarray:
    """One tensor, walked value by value. Raises StatusError for the first mistake."""
    tensor = _Stack(info)
    tensor.add(value)
    return tensor.array(None)


class _Stack:
    """One tensor while its values are walked; in the row format each row is added, and all must have one shape."""

    def __init__(self, info: Any) -> None:
        self._kind = tf.as_dtype(info.dtype)
        self._flat: list[Any] = []
        self._shape: list[int] | None = None

    def add(self, value: Any) -> None:
        shape, before = _shape(value), len(self._flat)
        self._fill(value, shape, 0)
        if self._shape is None:
            self._shape, self._size = shape, len(self._flat) - before
        elif len(self._flat) - before != self._size:
            raise invalid(f"Expecting tensor size: {self._size} but got: {len(self._flat) - before}")
        elif shape != self._shape:
            raise invalid(f"Expecting shape {_text(self._shape)} but got: {_text(shape)}")

    def array(self, rows: int | None) -> np.ndarray:
        """The tensor, with a dimension for the rows in front when there are rows."""
        shape = [*([] if rows is None else [rows]), *(self._shape or [])]
        if self._kind == tf.string:
            array = np.empty(len(self._flat), dtype=object)
            array[:] = self._flat
        elif self._kind in _SMALL:
            array = np.array(self._flat, np.int32).astype(self._kind.as_numpy_dtype)
        else:
            with np.errstate(over="ignore"):
                array = np.array(self._flat, dtype=self._kind.as_numpy_dtype)
        return array.reshape(shape)

    def _fill(self, value: Any, shape: list[int], level: int) -> None:
        if not isinstance(value, list):
            if level != len(shape):
                raise invalid(
                    f"JSON Value: {shown(value)} found at incorrect level: {level + 1} in the JSON DOM. "
                    f"Expected at level: {len(shape)}"
                )
            self._flat.append(_scalar(value, self._kind))
            return
        if level >= len(shape):
            raise invalid(f"Encountered list at unexpected level: {level} expected < {len(shape)}")
        if len(value) != shape[level]:
            raise invalid(f"Encountered list at unexpected size: {len(value)} at level: {level} expected size: {shape[level]}")
        for item in value:
            self._fill(item, shape, level + 1)


def _whole(values: Any, info: Any, plain: bool) -> np.ndarray | None:
    """A tensor of numbers at once, or None when it has to be walked."""
    kind = tf.as_dtype(info.dtype)
    if not plain or not (kind.is_floating or kind.is_integer) or kind in _SMALL:
        return None
    try:
        array = np.array(values)
    except (ValueError, OverflowError, TypeError, RecursionError):
        return None
    if array.size == 0 and array.ndim < DEEPEST:
        return array.astype(kind.as_numpy_dtype)
    if kind.is_floating and array.dtype.kind in "fiu":
        with np.errstate(over="ignore"):
            return array.astype(kind.as_numpy_dtype)
    if array.dtype.kind != "i" or array.min() < kind.min or array.max() > kind.max:
        return None
    return array.astype(kind.as_numpy_dtype)


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


def _text(shape: list[int]) -> str:
    return "[" + ",".join(map(str, shape)) + "]"


def _scalar(value: Any, kind: tf.DType) -> Any:
    if kind == tf.string:
        good = isinstance(value, str) or is_b64(value)
    elif kind == tf.bool:
        good = isinstance(value, bool)
    elif kind.is_integer:
        checked = tf.int32 if kind in _SMALL else kind
        good = isinstance(value, int) and not isinstance(value, bool) and checked.min <= value <= checked.max
    elif kind.is_floating:
        good = isinstance(value, int | float) and not isinstance(value, bool)
    else:
        raise StatusError(Code.UNIMPLEMENTED, f"Conversion of JSON Value: {shown(value)} to type: {type_name(kind)}")
    if good:
        return _converted(value, kind)
    if isinstance(value, dict) and kind == tf.string:
        raise invalid(f"JSON Value: {shown(value)} not formatted correctly for base64 data")
    raise invalid(f"JSON Value: {shown(value)} Type: {kind_name(value)} is not of expected type: {type_name(kind)}")


def _converted(value: Any, kind: tf.DType) -> Any:
    if isinstance(value, dict):
        return decode_b64(value["b64"])
    if isinstance(value, str):
        return text_bytes(value)
    try:
        return float(value) if kind.is_floating else value
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def text_bytes(text: str) -> bytes:
    """The bytes of a JSON string. Raises StatusError for half a surrogate pair."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise invalid("JSON Parse error: The surrogate pair in string is invalid. at offset: 0") from error


def type_name(kind: tf.DType) -> str:
    """TensorFlow's C++ names."""
    return {"float32": "float", "float64": "double", "float16": "half"}.get(kind.name, kind.name)
