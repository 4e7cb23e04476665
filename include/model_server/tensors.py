"""Between TensorProto and numpy, the way TF Serving writes them."""

from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2

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


def to_array(proto: tensor_pb2.TensorProto) -> np.ndarray:
    """The array of a tensor: fewer values than the shape repeat the last one, none are zeros.

    Raises:
        ValueError, TypeError: the bytes, the values or the shape do not fit.
    """
    if proto.tensor_shape.unknown_rank or any(dim.size < 0 for dim in proto.tensor_shape.dim):
        raise ValueError("the shape is not fully known")
    if not proto.tensor_content:
        _check_size(proto)
    array = tf.make_ndarray(proto)
    if proto.dtype == tf.string.as_datatype_enum and array.dtype == object:
        return _bytes(array)
    return array


def from_array(array: np.ndarray, as_content: bool = False) -> tensor_pb2.TensorProto:
    """A tensor of an array, in typed fields of full length; in tensor_content when asked for."""
    values = np.asarray(array)
    if values.dtype.kind in "OSU":
        proto = _empty(tf.string, values.shape)
        proto.string_val.extend(value if isinstance(value, bytes) else str(value).encode() for value in values.ravel())
        return proto
    kind = tf.as_dtype(values.dtype)
    proto = _empty(kind, values.shape)
    field = _FIELD.get(kind)
    if as_content or field is None:
        proto.tensor_content = np.ascontiguousarray(values).tobytes()
    else:
        getattr(proto, field).extend(values.ravel().tolist())
    return proto


def _empty(kind: tf.DType, shape: tuple[int, ...]) -> tensor_pb2.TensorProto:
    proto = tensor_pb2.TensorProto(dtype=kind.as_datatype_enum)
    for size in shape:
        proto.tensor_shape.dim.add(size=size)
    return proto


def _check_size(proto: tensor_pb2.TensorProto) -> None:
    """A tiny message must not claim a huge tensor: one repeated value may fill at most a thousand times what was sent."""
    count = 1
    for dim in proto.tensor_shape.dim:
        count *= dim.size
    if count > max(proto.ByteSize(), 1) * 1000 + (1 << 20):
        raise ValueError("the shape is far larger than the values")


def _bytes(array: np.ndarray) -> np.ndarray:
    flat: list[Any] = [value if isinstance(value, bytes) else str(value).encode() for value in array.ravel()]
    out = np.empty(len(flat), dtype=object)
    out[:] = flat
    return out.reshape(array.shape)
