"""Queues of calls that wait to be joined, and the threads that serve them in turn.

A batch closes when the next task does not fit, and may run when it is closed or its first task has waited long enough.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from include.model_server.batching_config import BatchingParameters
from include.model_server.errors import Code, StatusError


@dataclass
class Task:
    """One caller's call: `size` rows, given up at `deadline` (seconds of the monotonic clock)."""

    feeds: dict[str, Any]
    size: int
    deadline: float = float("inf")
    queued: float = field(default_factory=time.monotonic)
    done: threading.Event = field(default_factory=threading.Event)
    outputs: list[Any] | None = None
    error: BaseException | None = None

    def result(self) -> list[Any]:
        """Wait for the outputs. Raises what the batch raised."""
        self.done.wait()
        if self.error is not None:
            raise self.error
        assert self.outputs is not None
        return self.outputs


@dataclass
class _Batch:
    tasks: list[Task]
    size: int
    opened: float
    closed: bool = False


class Queue:
    """The batches of one set of inputs and outputs of one version. Only the scheduler's lock guards it."""

    def __init__(self, parameters: BatchingParameters, process: Callable[[list[Task]], None]) -> None:
        self.parameters = parameters
        self.process = process
        self.batches: deque[_Batch] = deque()

    def add(self, task: Task) -> None:
        """Raises StatusError UNAVAILABLE when the queue is full."""
        last = self.batches[-1] if self.batches else None
        if last and not last.closed and last.size + task.size <= self.parameters.max_execution_size:
            last.tasks.append(task)
            last.size += task.size
        else:
            if len(self.batches) >= self.parameters.max_enqueued_batches:
                raise StatusError(
                    Code.UNAVAILABLE,
                    "The batch scheduling queue to which this task was submitted is full; currently "
                    f"{len(self.batches)} batches enqueued and max_enqueued_batches is "
                    f"{self.parameters.max_enqueued_batches}",
                )
            if last:
                last.closed = True
            last = _Batch([task], task.size, task.queued)
            self.batches.append(last)
        last.closed = last.closed or last.size == self.parameters.max_execution_size

    def wait(self, now: float) -> float | None:
        """Seconds until the first batch may run: 0 or less for at once, None without a batch."""
        if not self.batches:
            return None
        first = self.batches[0]
        return 0.0 if first.closed else first.opened + self.parameters.batch_timeout_micros / 1e6 - now


class Scheduler:
    """One pool of threads for the queues of all models, which it asks in turn."""

    def __init__(self, threads: int) -> None:
        self._changed = threading.Condition()
        self._queues: deque[Queue] = deque()
        for number in range(threads):
            threading.Thread(target=self._work, name=f"batch-{number}", daemon=True).start()

    def open(self, queue: Queue) -> None:
        """Serve a queue from now on."""
        with self._changed:
            self._queues.append(queue)

    def close(self, queue: Queue) -> None:
        """Serve it no more. Nobody waits in it: a version is closed when its last call has ended."""
        with self._changed:
            self._queues.remove(queue)

    def submit(self, queue: Queue, task: Task) -> None:
        """Raises StatusError UNAVAILABLE when the queue is full."""
        with self._changed:
            queue.add(task)
            self._changed.notify()

    def _work(self) -> None:
        while True:
            queue, tasks = self._next()
            try:
                queue.process(tasks)
            except BaseException as error:
                for task in tasks:
                    task.error = error
            for task in tasks:
                task.done.set()

    def _next(self) -> tuple[Queue, list[Task]]:
        with self._changed:
            while True:
                now, soonest = time.monotonic(), None
                for _ in range(len(self._queues)):
                    queue = self._queues[0]
                    self._queues.rotate(-1)
                    wait = queue.wait(now)
                    if wait is not None and wait <= 0:
                        return queue, queue.batches.popleft().tasks
                    if wait is not None:
                        soonest = wait if soonest is None else min(soonest, wait)
                self._changed.wait(soonest)
