"""Join the calls of several callers into one run of the graph, and give each its rows back (--enable_batching).

A queue belongs to one set of inputs and outputs of one version, so to each output filter its own. Rows are joined along
dimension 0 and filled up to an allowed size with copies of the last task's first row.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate

import numpy as np

from include.model_server.batch_queue import Queue, Scheduler, Task
from include.model_server.batching_config import BatchingParameters
from include.model_server.errors import Code, StatusError, invalid
from include.model_server.metrics import Metrics

Run = Callable[[Mapping[str, np.ndarray], Sequence[str], int], list[np.ndarray]]


class Batching:
    """The queues of one version. Raises StatusError when the parameters cannot be had."""

    def __init__(self, parameters: BatchingParameters, scheduler: Scheduler, metrics: Metrics) -> None:
        parameters.check()
        self._parameters = parameters
        self._scheduler = scheduler
        self._metrics = metrics
        self._lock = threading.Lock()
        self._queues: dict[tuple[frozenset[str], tuple[str, ...]], Queue] = {}

    def run(self, run: Run, feeds: Mapping[str, np.ndarray], fetches: Sequence[str], timeout_ms: int = 0) -> list[np.ndarray]:
        """The outputs of these rows, computed together with other callers'.

        Raises:
            StatusError: the rows cannot be joined, are too many, waited too long or found the queue full.
            tf.errors.OpError: what the graph says of the whole batch.
        """
        size = _rows(feeds)
        if size > self._parameters.max_batch_size:
            raise invalid(f"Task size {size} is larger than maximum input batch size {self._parameters.max_batch_size}")
        self._metrics.observe("batching_session/input_batch_size", size)
        queue = self._queue(run, frozenset(feeds), tuple(fetches))
        deadline = time.monotonic() + timeout_ms / 1000 if timeout_ms > 0 else float("inf")
        step = self._parameters.max_execution_size
        parts = [{name: array[at : at + step] for name, array in feeds.items()} for at in range(0, max(size, 1), step)]
        tasks = [Task(part, _rows(part), deadline) for part in parts]
        for task in tasks:
            self._scheduler.submit(queue, task)
        results = [task.result() for task in tasks]
        return results[0] if len(results) == 1 else [np.concatenate(several) for several in zip(*results, strict=True)]

    def close(self) -> None:
        """Give the queues up. Nobody may wait in them."""
        with self._lock:
            for queue in self._queues.values():
                self._scheduler.close(queue)
            self._queues.clear()

    def _queue(self, run: Run, names: frozenset[str], fetches: tuple[str, ...]) -> Queue:
        with self._lock:
            found = self._queues.get((names, fetches))
            if found is None:
                found = Queue(self._parameters, lambda tasks: self._process(run, fetches, tasks))
                self._queues[names, fetches] = found
                self._scheduler.open(found)
            return found

    def _process(self, run: Run, fetches: Sequence[str], tasks: list[Task]) -> None:
        now = time.monotonic()
        for task in tasks:
            self._metrics.observe("batching_session/queuing_latency", (now - task.queued) * 1e6)
        latest = max(task.deadline for task in tasks)
        if latest <= now:
            raise StatusError(Code.RESOURCE_EXHAUSTED, "Run() timeout exceeded while waiting in batching queue")
        size = sum(task.size for task in tasks)
        full = self._parameters.rounded(size)
        feeds = {name: self._merged(name, tasks, full - size) for name in tasks[0].feeds}
        self._metrics.observe("batching_session/processed_batch_size", full)
        self._metrics.observe("batching_session/padding_size", full - size, execution_batch_size=str(full))
        self._metrics.count("batching_session/wrapped_run_count")
        timeout_ms = 0 if latest == float("inf") else max(int((latest - now) * 1000), 1)
        outputs = run(feeds, fetches, timeout_ms)
        _check_outputs(outputs, full)
        ends = list(accumulate(task.size for task in tasks))
        for task, end in zip(tasks, ends, strict=True):
            task.outputs = [array[end - task.size : end] for array in outputs]

    def _merged(self, name: str, tasks: list[Task], padding: int) -> np.ndarray:
        arrays = [task.feeds[name] for task in tasks]
        if len({array.dtype for array in arrays}) > 1:
            raise invalid(f"Tensors with name '{name}' from different tasks have different types")
        if len(arrays) > 1:
            arrays = _padded(arrays) if self._parameters.pad_variable_length_inputs else _same(name, arrays)
        if padding > 0:
            arrays = [*arrays, np.repeat(arrays[-1][:1], padding, axis=0)]
        return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def _rows(feeds: Mapping[str, np.ndarray]) -> int:
    if not feeds:
        raise invalid("Batching Run() must have at least one input tensor")
    if any(array.ndim == 0 for array in feeds.values()):
        raise invalid("Batching Run() input tensors must have at least one dimension")
    sizes = {array.shape[0] for array in feeds.values()}
    if len(sizes) > 1:
        raise invalid("Batching Run() input tensors must have equal 0th-dimension size")
    return sizes.pop()


def _same(name: str, arrays: list[np.ndarray]) -> list[np.ndarray]:
    if len({array.shape[1:] for array in arrays}) > 1:
        raise StatusError(
            Code.FAILED_PRECONDITION,
            f"Tensors with name '{name}' from different tasks have different shapes and padding is turned off. "
            "Set pad_variable_length_inputs to true, or ensure that all tensors with the same name "
            "have equal dimensions starting with the first dim.",
        )
    return arrays


def _padded(arrays: list[np.ndarray]) -> list[np.ndarray]:
    """Arrays of one shape but for dimension 0, each filled at the ends with its own first value."""
    if len({array.ndim for array in arrays}) > 1:
        raise invalid("Tensors from different tasks have different ranks")
    largest = [max(sizes) for sizes in zip(*(array.shape[1:] for array in arrays), strict=True)]
    if any(array.size == 0 and any(largest) for array in arrays):
        raise invalid("Got empty tensor in batch of non-empty tensors.")
    return [_pad(array, largest) for array in arrays]


def _pad(array: np.ndarray, largest: list[int]) -> np.ndarray:
    if list(array.shape[1:]) == largest:
        return array
    out = np.full((array.shape[0], *largest), array.flat[0], dtype=array.dtype)
    out[tuple(slice(0, size) for size in array.shape)] = array
    return out


def _check_outputs(outputs: Sequence[np.ndarray], rows: int) -> None:
    for array in outputs:
        if array.ndim == 0:
            raise StatusError(Code.FAILED_PRECONDITION, "Batched output tensor has 0 dimensions")
        if array.shape[0] != rows:
            raise StatusError(
                Code.FAILED_PRECONDITION,
                "Batched output tensor's 0th dimension does not equal the sum of the 0th dimension sizes of the input tensors",
            )
