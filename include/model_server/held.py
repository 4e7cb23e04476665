"""Runs of a small graph that keep Python's interpreter: TensorFlow's C API, called through `ctypes.PyDLL`.

TensorFlow's own Python call gives the interpreter up around each run. For a graph of some microseconds, asked by several
threads, winning it back costs more than the graph does. So what is known to be short, bounded and small is run by the C
function below that call, in the caller's thread, and nobody else's Python moves meanwhile.

The C structures are those that the session already has. pybind11 keeps the pointer to them right behind the object's header;
that is no promise, so it is done for the versions of TensorFlow that were tried (`TRIED`), and checked against what the C API
finds by name. Where anything differs there are no held runs, and nothing else changes.
"""

import ctypes
import sys
from collections.abc import Collection, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import config_pb2
from tensorflow.python.framework import errors_impl

TRIED = ("2.21",)
BYTES = 4096
"""What the inputs may hold: to copy more is better done while others work."""
PLANS = 64
"""Sets of inputs, shapes and outputs that are prepared for; clients choose them, so there must be a limit."""

_HEADER = object.__basicsize__
_KINDS = {
    tf.as_dtype(kind).as_datatype_enum: np.dtype(kind)
    for kind in (np.float32, np.float64, np.int8, np.int16, np.int32, np.int64, np.uint8, np.bool_)
}
_NUMBERS = {kind: number for number, kind in _KINDS.items()}
_OPTIONS = config_pb2.RunOptions(inter_op_thread_pool=-1).SerializeToString()

Key = tuple[Any, ...]


class _Output(ctypes.Structure):
    """TF_Output."""

    _fields_ = [("operation", ctypes.c_void_p), ("index", ctypes.c_int)]


def _library() -> Any:
    """TensorFlow's C API without letting go of the interpreter; None where it was not tried or cannot be had."""
    if not tf.__version__.startswith(TRIED) or sys.implementation.name != "cpython":
        return None
    try:
        folder = Path(tf.__file__).parent
        graphs, tensors = (
            ctypes.PyDLL(str(folder / name)) for name in ("libtensorflow_cc.so.2", "libtensorflow_framework.so.2")
        )
        pointer, whole = ctypes.c_void_p, ctypes.c_int
        for library, name, result, arguments in (
            (graphs, "TF_GraphOperationByName", pointer, [pointer, ctypes.c_char_p]),
            (graphs, "TF_SessionRun", None, [pointer] * 4 + [whole] + [pointer] * 2 + [whole, pointer, whole] + [pointer] * 2),
            (tensors, "TF_AllocateTensor", pointer, [whole, pointer, whole, ctypes.c_size_t]),
            (tensors, "TF_DeleteTensor", None, [pointer]),
            (tensors, "TF_TensorData", pointer, [pointer]),
            (tensors, "TF_TensorByteSize", ctypes.c_size_t, [pointer]),
            (tensors, "TF_NumDims", whole, [pointer]),
            (tensors, "TF_Dim", ctypes.c_int64, [pointer, whole]),
            (tensors, "TF_NewStatus", pointer, []),
            (tensors, "TF_DeleteStatus", None, [pointer]),
            (tensors, "TF_GetCode", whole, [pointer]),
            (tensors, "TF_Message", ctypes.c_char_p, [pointer]),
            (tensors, "TF_NewBufferFromString", pointer, [ctypes.c_char_p, ctypes.c_size_t]),
        ):
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
            setattr(tensors, name, function)
        return tensors
    except (OSError, AttributeError):
        return None


_C = _library()
_run_options = _C.TF_NewBufferFromString(_OPTIONS, len(_OPTIONS)) if _C else None


class HeldRuns:
    """The held runs of one session: a plan for each set of inputs, their kinds and shapes, and outputs."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._plans: dict[Key, _Plan] = {}

    def run(self, feeds: Mapping[str, np.ndarray], fetches: tuple[str, ...]) -> list[np.ndarray] | None:
        """The outputs; None when there is no plan for such a run.

        Raises:
            tf.errors.OpError: what the graph says.
        """
        plan = self._plans.get(_key(feeds, fetches))
        return plan.run(feeds.values()) if plan else None

    def prepare(self, feeds: Mapping[str, np.ndarray], fetches: tuple[str, ...]) -> None:
        """Plan a run that was seen to be short and bounded, unless its tensors are not for us."""
        arrays = feeds.values()
        if _C is None or len(self._plans) >= PLANS or sum(array.nbytes for array in arrays) > BYTES:
            return
        inputs, outputs = ([self._session.graph.get_tensor_by_name(name) for name in names] for names in (feeds, fetches))
        numbers = [tensor.dtype.as_datatype_enum for tensor in outputs]
        if not all(array.dtype in _NUMBERS and array.size for array in arrays) or not _KINDS.keys() >= set(numbers):
            return
        session = _address(self._session._session)
        ends = [[_structure(session, tensor) for tensor in side] for side in (inputs, outputs)]
        if None not in chain(*ends):
            plan = _Plan(session, ends[0], ends[1], [_KINDS[number] for number in numbers])
            self._plans.setdefault(_key(feeds, fetches), plan)

    def close(self) -> None:
        """Free what the plans hold. Nobody may be in a run."""
        for plan in self._plans.values():
            plan.close()
        self._plans.clear()


class _Plan:
    """What TF_SessionRun takes, ready. Each run takes a slot, so that several may be on their way."""

    def __init__(self, session: int, inputs: list[Any], outputs: list[Any], kinds: list[np.dtype]) -> None:
        self._session = session
        self._inputs, self._outputs = ((_Output * len(side))(*side) for side in (inputs, outputs))
        self._kinds = kinds
        self._slots: list[_Slot] = []

    def run(self, arrays: Collection[np.ndarray]) -> list[np.ndarray]:
        try:
            slot = self._slots.pop()
        except IndexError:
            slot = _Slot(arrays, len(self._kinds))
        for view, array in zip(slot.views, arrays, strict=True):
            view[...] = array
        try:
            sizes = len(self._inputs), len(self._outputs)
            _C.TF_SessionRun(
                self._session, _run_options, self._inputs, slot.inputs, sizes[0], self._outputs, slot.outputs, sizes[1],
                None, 0, None, slot.status,
            )  # fmt: skip
            code = _C.TF_GetCode(slot.status)
            if code:
                message = _C.TF_Message(slot.status).decode("utf-8", "replace")
                raise errors_impl.exception_type_from_error_code(code)(None, None, message)
            return [_taken(tensor, kind) for tensor, kind in zip(slot.outputs, self._kinds, strict=True)]
        finally:
            self._slots.append(slot)

    def close(self) -> None:
        while self._slots:
            self._slots.pop().close()


class _Slot:
    """The tensors of one run: the inputs as arrays that share their memory, and room for the outputs."""

    def __init__(self, arrays: Collection[np.ndarray], outputs: int) -> None:
        tensors = [
            _C.TF_AllocateTensor(_NUMBERS[array.dtype], array.ctypes.shape, array.ndim, array.nbytes) for array in arrays
        ]
        self.inputs = (ctypes.c_void_p * len(tensors))(*tensors)
        self.outputs = (ctypes.c_void_p * outputs)()
        self.status = _C.TF_NewStatus()
        self.views = [
            np.ndarray(
                array.shape, array.dtype, memoryview((ctypes.c_char * array.nbytes).from_address(_C.TF_TensorData(tensor)))
            )
            for array, tensor in zip(arrays, tensors, strict=True)
        ]

    def close(self) -> None:
        for tensor in self.inputs:
            _C.TF_DeleteTensor(tensor)
        _C.TF_DeleteStatus(self.status)


def _key(feeds: Mapping[str, np.ndarray], fetches: tuple[str, ...]) -> Key:
    key: list[Any] = [fetches]
    for name, array in feeds.items():
        key += name, array.dtype, array.shape
    return tuple(key)


def _taken(tensor: int, kind: np.dtype) -> np.ndarray:
    """A copy of an output, which is freed."""
    shape = tuple([_C.TF_Dim(tensor, axis) for axis in range(_C.TF_NumDims(tensor))])
    values = ctypes.string_at(_C.TF_TensorData(tensor), _C.TF_TensorByteSize(tensor))
    _C.TF_DeleteTensor(tensor)
    return np.ndarray(shape, kind, values)


def _address(holder: Any) -> int:
    """The C structure behind an object that pybind11 made."""
    return ctypes.c_void_p.from_address(id(holder) + _HEADER).value or 0


def _structure(session: int, tensor: Any) -> _Output | None:
    """A tensor's TF_Output; None when it is not what the C API finds by its name in the graph of the session."""
    found = _Output.from_address(_address(tensor._as_tf_output()))
    graph = ctypes.c_void_p.from_address(session + ctypes.sizeof(ctypes.c_void_p)).value
    known = _C.TF_GraphOperationByName(graph, tensor.op.name.encode())
    return _Output(known, tensor.value_index) if (found.operation, found.index) == (known, tensor.value_index) else None
