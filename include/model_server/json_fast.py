"""Large bodies of plain numbers, from text to tensors without a Python object for each number.

simdjson keeps the document in its own memory and hands out a list of numbers, however nested, as one buffer. Whatever is not
plain (NaN, a text after the object, lists of uneven lengths, a wrong kind, a missing name) is left to `json_text` and
`json_read`, which know how to take or to refuse it.
"""

import math
import threading
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import simdjson
import tensorflow as tf

from include.model_server.errors import StatusError
from include.model_server.json_read import DEEPEST, read_column

WORTH, KEPT = 16_384, 8 << 20
"""Bytes; a smaller body is read sooner the ordinary way, and after a larger one the parser's memory is given back."""

BLOCK = 1 << 16

_TURN = threading.Lock()
_parser = simdjson.Parser()

_REFUSALS = (ValueError, TypeError, LookupError, RuntimeError, MemoryError, OverflowError, StatusError)


def turn(body: bytes | bytearray) -> AbstractContextManager[Any]:
    """Hold this while a body is parsed and read: two that do so at once only take the interpreter from each other.

    A document must not outlive it, for the next one is parsed into the same memory.
    """
    return _TURN if len(body) >= WORTH else nullcontext()


class FastBody:
    """A parsed body whose top is an object."""

    def __init__(self, document: Any, lists: int) -> None:
        self._document = document
        self._lists = lists

    @classmethod
    def parse(cls, body: bytes | bytearray) -> "FastBody | None":
        """None when it is small, or no plain JSON object."""
        if len(body) < WORTH:
            return None
        global _parser
        try:
            document = _parser.parse(body)
        except _REFUSALS:
            return None
        finally:
            if len(body) > KEPT:
                _parser = simdjson.Parser()
        return cls(document, _opened(body)) if isinstance(document, simdjson.Object) else None

    @property
    def signature_name(self) -> str | None:
        """The signature that is asked for, empty without one; None when it is no text."""
        name = self._document.get("signature_name", "")
        return name if isinstance(name, str) else None

    def inputs(self, infos: Mapping[str, Any]) -> tuple[dict[str, np.ndarray], bool] | None:
        """Arrays by alias and whether they were rows, as `json_read.read_inputs` gives them; None for what it must judge."""
        keys = set(self._document.keys())
        if len({"instances", "inputs"} & keys) != 1:
            return None
        row = "instances" in keys
        try:
            arrays = _rows(self._document["instances"], infos) if row else _columns(self._document["inputs"], infos)
        except _REFUSALS:
            return None
        named = row and isinstance(self._document["instances"][0], simdjson.Object)
        expected = sum(map(_lists, arrays.values())) - (len(arrays) - 1 if named else 0)
        return (arrays, row) if expected == self._lists else None


def _opened(body: bytes | bytearray) -> int:
    """The brackets that open a list: by numpy in blocks that stay in the cache, several times as fast as `bytes.count`."""
    text = np.frombuffer(body, np.uint8)
    return sum(int(np.count_nonzero(text[at : at + BLOCK] == ord("["))) for at in range(0, len(text), BLOCK))


def _lists(array: np.ndarray) -> int:
    """The lists that a tensor of this shape is written with.

    A buffer does not tell [1, [2]] from [1, 2]; but a body with more lists than its tensors need is not a plain one.
    """
    return sum(math.prod(array.shape[:depth]) for depth in range(array.ndim))


def _columns(inputs: Any, infos: Mapping[str, Any]) -> dict[str, np.ndarray]:
    if not isinstance(inputs, simdjson.Object):
        (alias,) = infos
        return {alias: _tensor([inputs], infos[alias])[0]}
    return {alias: _tensor([inputs[alias]], info)[0] for alias, info in infos.items()}


def _rows(instances: Any, infos: Mapping[str, Any]) -> dict[str, np.ndarray]:
    if not isinstance(instances[0], simdjson.Object):
        (alias,) = infos
        return {alias: _tensor([instances], infos[alias])[0]}
    items = list(instances)
    for item in items:
        if not isinstance(item, simdjson.Object) or set(item.keys()) != infos.keys() or len(item) != len(infos):
            raise KeyError("the names are not those of the inputs")
    return {alias: _tensor([item[alias] for item in items], info) for alias, info in infos.items()}


def _tensor(values: list[Any], info: Any) -> np.ndarray:
    """Values of one shape, put upon each other."""
    kind = tf.as_dtype(info.dtype)
    if kind == tf.bool and set(map(type, values)) == {bool}:
        return np.array(values)
    if not isinstance(values[0], simdjson.Array) or not (kind.is_floating or kind in (tf.int32, tf.int64)):
        return np.stack([read_column(_python(value), info) for value in values])
    shape, (letter, dtype) = _shapes(values), ("d", np.float64) if kind.is_floating else ("i", np.int64)
    stacked = np.empty((len(values), *shape), np.int64 if kind == tf.int32 else kind.as_numpy_dtype)
    with np.errstate(over="ignore"):
        for row, value in zip(stacked, values, strict=True):
            row[...] = np.frombuffer(value.as_buffer(of_type=letter), dtype).reshape(shape)
    if kind == tf.int32 and stacked.size and not (kind.min <= stacked.min() and stacked.max() <= kind.max):
        raise OverflowError("not an int32")
    return stacked.astype(kind.as_numpy_dtype, copy=False)


def _python(value: Any) -> Any:
    if isinstance(value, simdjson.Array):
        return value.as_list()
    return value.as_dict() if isinstance(value, simdjson.Object) else value


def _shapes(values: Iterable[Any], depth: int = 1) -> list[int]:
    """The shape that all these lists have, which are at this depth. Raises ValueError when they differ.

    The lists within a list are looked at one after the other: to keep all of them would wake the garbage collector.
    """
    shapes = {_shape(value, depth) for value in values}
    if len(shapes) > 1:
        raise ValueError("uneven")
    return list(shapes.pop())


def _shape(value: Any, depth: int) -> tuple[int, ...]:
    first = value[0] if len(value) else None
    if not isinstance(first, simdjson.Array):
        return (len(value),)
    if depth == DEEPEST - 1:
        raise ValueError("deep")
    if len(first) and isinstance(first[0], simdjson.Array):
        return (len(value), *_shapes(value, depth + 1))
    lengths = set(map(len, value))
    if len(lengths) > 1:
        raise ValueError("uneven")
    return (len(value), lengths.pop())
