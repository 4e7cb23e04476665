"""The body of a REST predict reply: from arrays by alias to JSON."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from include.model_server.errors import invalid


def write_outputs(outputs: Mapping[str, np.ndarray], row: bool) -> bytes:
    """`predictions` for the row format, `outputs` for the column format; a single output loses its name.

    Raises:
        StatusError: in the row format, an output has no batch dimension or another one.
    """
    if not outputs:
        raise invalid("Cannot convert empty tensor map to JSON")
    if row:
        _check_batch(outputs)
    values = {alias: _plain(alias, array) for alias, array in outputs.items()}
    only = next(iter(values.values())) if len(values) == 1 else None
    if not row:
        return dump({"outputs": values if only is None else only})
    if only is not None:
        return dump({"predictions": only})
    return dump({"predictions": [dict(zip(values, items, strict=True)) for items in zip(*values.values(), strict=True)]})


def dump(value: Any) -> bytes:
    """JSON with NaN and Infinity written bare, and bytes that are no UTF-8 as they are."""
    try:
        text = msgspec.json.encode(value)
    except (UnicodeEncodeError, OverflowError):
        text = b"null"
    if b"null" not in text:  # msgspec has no other word for what is not finite
        return text
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogateescape")


def shortest(values: np.ndarray) -> np.ndarray:
    """Doubles whose shortest text is the shortest text of these narrower floats: 0.2, not 0.20000000298.

    A double that is the nearest to a decimal of few digits prints as that decimal; so each value is rounded to 6, 7, 8 and
    9 digits until it comes back as itself. 9 digits tell any two float32 apart.
    """
    wide = values.astype(np.float64).ravel()
    out, flat = wide.copy(), values.ravel()
    with np.errstate(all="ignore"):
        left = np.flatnonzero(np.isfinite(wide) & (np.abs(wide) > 1e-12) & (np.abs(wide) < 1e15))
        for digits in (6, 7, 8, 9):
            shift = digits - 1 - np.floor(np.log10(np.abs(wide[left]))).astype(int)
            up, down = 10.0 ** np.maximum(shift, 0), 10.0 ** np.maximum(-shift, 0)
            tried = np.rint(wide[left] * up / down) / up * down
            good = tried.astype(values.dtype) == flat[left]
            out[left[good]] = tried[good]
            left = left[~good]
    for place in np.flatnonzero(np.isfinite(wide) & ((np.abs(wide) <= 1e-12) | (np.abs(wide) >= 1e15)) & (wide != 0)):
        out[place] = float(str(flat[place]))
    return out.reshape(values.shape)


def _check_batch(outputs: Mapping[str, np.ndarray]) -> None:
    expected = 0
    for alias, array in outputs.items():
        if array.ndim == 0:
            raise invalid(f"Tensor name: {alias} has no shape information ")
        if array.shape[0] < 1:
            raise invalid(f"Tensor name: {alias} has invalid batch size: {array.shape[0]}")
        if expected and array.shape[0] != expected:
            raise invalid(f"Tensor name: {alias} has inconsistent batch size: {array.shape[0]} expecting: {expected}")
        expected = array.shape[0]


def _plain(alias: str, values: np.ndarray) -> Any:
    array = np.asarray(values)
    if array.dtype.kind in "OSU":
        return _nested(array, _b64 if alias.endswith("_bytes") else _text)
    if array.dtype == np.float64 or array.dtype.kind in "iub":
        return array.tolist()
    if array.dtype.kind == "c":
        raise invalid("Failed to write JSON value for tensor type: complex64")
    return shortest(array.astype(np.float32) if array.dtype != np.float32 else array).tolist()


def _nested(values: np.ndarray, convert: Any) -> Any:
    if values.ndim == 0:
        return convert(values[()])
    return [_nested(item, convert) for item in values] if values.ndim > 1 else [convert(item) for item in values]


def _text(value: Any) -> str:
    """Bytes are written as they are, so what is not UTF-8 goes through unharmed."""
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value)


def _b64(value: Any) -> dict[str, str]:
    raw = value if isinstance(value, bytes) else str(value).encode()
    return {"b64": base64.b64encode(raw).decode()}
