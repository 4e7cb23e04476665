"""The body of a REST predict reply: from arrays by alias to JSON."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from include.model_server.errors import invalid


def write_outputs(outputs: Mapping[str, np.ndarray], row: bool) -> bytes:
    """`predictions` for the row format, `outputs` for the column format; a single output loses its name.

    Raises:
        StatusError: in the row format, an output has no batch dimension or another one.
    """
    values = {alias: _plain(alias, array) for alias, array in outputs.items()}
    if not row:
        return _dump({"outputs": next(iter(values.values())) if len(values) == 1 else values})
    _check_batch(outputs)
    if len(values) == 1:
        return _dump({"predictions": next(iter(values.values()))})
    return _dump({"predictions": [dict(zip(values, items, strict=True)) for items in zip(*values.values(), strict=True)]})


def _check_batch(outputs: Mapping[str, np.ndarray]) -> None:
    expected: int | None = None
    for alias, array in outputs.items():
        if array.ndim == 0:
            raise invalid(f"Tensor name: {alias} has no shape information ")
        expected = array.shape[0] if expected is None else expected
        if array.shape[0] != expected:
            raise invalid(f"Tensor name: {alias} has inconsistent batch size: {array.shape[0]} expecting: {expected}")


def _plain(alias: str, array: np.ndarray) -> Any:
    values = np.asarray(array)
    if values.dtype.kind in "OSU":
        return _nested(values, _b64 if alias.endswith("_bytes") else _text)
    if values.dtype.kind == "f" and values.dtype.itemsize < 8:
        return _nested(values, _shortest)
    if values.dtype.kind in "iufb":
        return values.tolist()
    return _nested(values, _shortest)


def _nested(values: np.ndarray, convert: Any) -> Any:
    if values.ndim == 0:
        return convert(values[()])
    return [_nested(item, convert) for item in values] if values.ndim > 1 else [convert(item) for item in values]


def _shortest(value: Any) -> float:
    """The double whose shortest form is the shortest form of this narrower float: 0.2, not 0.20000000298."""
    return float(str(value))


def _text(value: Any) -> str:
    """Bytes are written as they are, so what is not UTF-8 goes through unharmed."""
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value)


def _b64(value: Any) -> dict[str, str]:
    raw = value if isinstance(value, bytes) else str(value).encode()
    return {"b64": base64.b64encode(raw).decode()}


def _dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogateescape")
