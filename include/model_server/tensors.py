"""Between TensorProto and numpy, the way TF Serving writes them."""

import functools
import math
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2, types_pb2

_FIELD = {
    tf.float32: "float_val",
    tf.float64: "double_val",
    tf.int8: "int_val",
    tf.int16: "int_val",
    tf.int32: "int_val",
    tf.uint8: "int_val",
    tf.uint16: "int_val",
    tf.int64: "int64_val",
    tf.bool: "bool_val",
    tf.uint32: "uint32_val",
    tf.uint64: "uint64_val",
}
_STRING = tf.string.as_datatype_enum
_BY_NUMBER = {kind.as_datatype_enum: (np.dtype(kind.as_numpy_dtype), field) for kind, field in _FIELD.items()}
_BY_NUMBER[_STRING] = (np.dtype(object), "string_val")
_WIDE = {np.dtype(kind): np.dtype(np.int64) for kind in (np.int8, np.uint8, np.int16, np.uint16)}
"""Small numbers travel as int32, and are wrapped."""
_HALVES = (np.dtype(np.float16), np.dtype(tf.bfloat16.as_numpy_dtype))
_BY_DTYPE = {np.dtype(kind.as_numpy_dtype): (kind.as_datatype_enum, field) for kind, field in _FIELD.items()}


def to_array(proto: tensor_pb2.TensorProto) -> np.ndarray:
    """The array of a tensor: fewer values than the shape repeat the last one, none are zeros, more are cut off.

    Raises:
        ValueError, TypeError: the bytes, the values or the shape do not fit.
    """
    shape = [dim.size for dim in proto.tensor_shape.dim]
    if proto.tensor_shape.unknown_rank or any(size < 0 for size in shape):
        raise ValueError("the shape is not fully known")
    count = math.prod(shape)
    known = _BY_NUMBER.get(proto.dtype)
    if known is None:
        return tf.make_ndarray(proto)
    dtype, field = known
    if proto.tensor_content:
        return np.frombuffer(proto.tensor_content, dtype).reshape(shape)
    values = getattr(proto, field)[:count]
    if len(values) < count:
        return _filled(values, count, dtype, proto.ByteSize()).reshape(shape)
    if dtype.kind == "O":
        array = np.empty(count, object)
        array[:] = values
    else:
        array = np.array(values, _WIDE.get(dtype, dtype)).astype(dtype, copy=False)
    return array.reshape(shape)


def _filled(values: Any, count: int, dtype: np.dtype, sent: int) -> np.ndarray:
    """A tiny message must not claim a huge tensor: repeated values may fill at most a thousand times what was sent."""
    if count > max(sent, 1) * 1000 + (1 << 20):
        raise ValueError("the shape is far larger than the values")
    array = np.empty(count, dtype)
    array[: len(values)] = values
    array[len(values) :] = values[-1] if values else (b"" if dtype.kind == "O" else 0)
    return array


def write_tensor(proto: tensor_pb2.TensorProto, values: np.ndarray, as_content: bool = False) -> None:
    """Fill an empty tensor from an array, in typed fields of full length; in tensor_content when asked for."""
    array = np.asarray(values)
    proto.CopyFrom(_header(array.dtype, array.shape))
    if array.dtype.kind in "OSU":
        proto.string_val.extend(
            [value if isinstance(value, bytes) else str(value).encode() for value in array.ravel().tolist()]
        )
        return
    number, field = _BY_DTYPE.get(array.dtype, (None, ""))
    if array.dtype in _HALVES and not as_content:
        proto.half_val.extend(array.ravel().view(np.uint16).tolist())
    elif as_content or number is None:
        proto.tensor_content = np.ascontiguousarray(array).tobytes()
    else:
        getattr(proto, field).extend(array.ravel().tolist())


@functools.lru_cache(1024)
def _header(dtype: np.dtype, shape: tuple[int, ...]) -> tensor_pb2.TensorProto:
    """An empty tensor's type and shape: to copy it costs a third of filling it in."""
    proto = tensor_pb2.TensorProto(dtype=_number(dtype))
    for size in shape:
        proto.tensor_shape.dim.add(size=size)
    return proto


def _number(dtype: np.dtype) -> int:
    """The number of a type in the protocol."""
    known = _STRING if dtype.kind in "OSU" else _BY_DTYPE.get(dtype, (None, ""))[0]
    return tf.as_dtype(dtype).as_datatype_enum if known is None else known


def dtype_name(array: np.ndarray) -> str:
    """The name of an array's type in texts: DT_FLOAT."""
    return str(types_pb2.DataType.Name(_number(array.dtype)))


def shape_text(array: np.ndarray) -> str:
    """A shape as TensorFlow's C++ writes it: [2,3]."""
    return "[" + ",".join(str(size) for size in array.shape) + "]"
