"""A SavedModel as TF Serving runs it: a graph in a session, asked below Python's own `Session.run`.

`Session.run` would cast float64 to float32 in silence and check shapes, and a restored signature costs ten times as much.
The call underneath does neither, fetches a part of the outputs, takes a time limit with each call, keeps its executors by
(inputs, outputs), and answers in the words of TensorFlow's C++ ("Expects arg[0] to be float but double is provided").

A run with a time limit has to be handed to TensorFlow's threads, which for a small graph costs more than the graph. So a run
that is bounded, and known to need a twentieth of the time left with inputs of such a size, goes without a limit and is judged
by the clock when it ends; one that needs less than a millisecond, or may use one thread only, stays in the caller's thread.
Limited runs of a session with one thread go to a pool of as many threads as there are cores, or all callers would wait for
each other.
"""

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import config_pb2
from tensorflow.python.client import pywrap_tf_session

from include.model_server.batching import Batching
from include.model_server.errors import Code, StatusError
from include.model_server.loading import load
from include.model_server.signatures import Signature

EXECUTORS = 64
"""Sets of outputs that get an executor of their own; clients choose them, so there must be a limit. More fetch everything."""


class Servable:
    """One loaded version.

    `signatures` maps the names to what is known of them, `run` evaluates tensors by name.

    Args:
        batching: joins the calls of several callers, when the server was started so.
    """

    def __init__(
        self, path: Path, tags: Sequence[str], intra_op: int = 0, inter_op: int = 0, batching: Batching | None = None
    ) -> None:
        config = tf.compat.v1.ConfigProto(
            intra_op_parallelism_threads=intra_op, inter_op_parallelism_threads=inter_op, allow_soft_placement=True
        )
        if inter_op == 1:
            config.session_inter_op_thread_pool.add(num_threads=1)
            config.session_inter_op_thread_pool.add(num_threads=os.cpu_count() or 1, global_name="limited")
        self._graph = tf.Graph()
        self._session = tf.compat.v1.Session(graph=self._graph, config=config)
        try:
            definitions, self._bounded = load(self._session, self._graph, tags, path)
        except BaseException:
            self._session.close()
            raise
        self.signatures: Mapping[str, Signature] = {name: Signature(name, one) for name, one in definitions.items()}
        self._tensors: dict[str, Any] = {}
        self._fetched: set[tuple[str, ...]] = set()
        self._batching = batching
        self._quickest: dict[tuple[tuple[str, ...], int], float] = {}  # by outputs, and bytes of the inputs to a power of two
        self._one_thread = inter_op == 1
        self._inline = self._options(config_pb2.RunOptions(inter_op_thread_pool=-1))
        self._pooled = self._options(config_pb2.RunOptions())

    def run(self, feeds: Mapping[str, np.ndarray], fetches: Sequence[str], timeout_ms: int = 0) -> list[np.ndarray]:
        """Evaluate tensors.

        Args:
            feeds: arrays by tensor name; a dtype is never cast and a shape never checked.
            timeout_ms: what the run may take; 0 is without end.

        Raises:
            tf.errors.OpError: what the runtime says, DEADLINE_EXCEEDED included.
            StatusError: what the batching says.
        """
        if self._batching:
            return self._batching.run(self._run, feeds, fetches, timeout_ms)
        return self._run(feeds, fetches, timeout_ms)

    def close(self) -> None:
        """Free the session's memory."""
        if self._batching:
            self._batching.close()
        self._session.close()

    def _run(self, feeds: Mapping[str, np.ndarray], fetches: Sequence[str], timeout_ms: int) -> list[np.ndarray]:
        names = self._few(tuple(fetches))
        like = names, sum(array.nbytes for array in feeds.values()).bit_length()
        quickest = self._quickest.get(like, float("inf"))
        free = timeout_ms <= 0 or (self._bounded and timeout_ms > quickest * 20_000)
        started = time.perf_counter()
        if free:
            found = self._call(self._inline if self._one_thread or quickest < 1e-3 else self._pooled, feeds, names)
        else:
            found = self._run_limited(feeds, names, timeout_ms)
        spent = time.perf_counter() - started
        self._quickest[like] = min(quickest * 1.01, spent)
        if 0 < timeout_ms < spent * 1000:
            raise tf.errors.DeadlineExceededError(None, None, "Timed out waiting for notification")
        return found if len(names) == len(fetches) else [found[names.index(name)] for name in fetches]

    def _run_limited(self, feeds: Mapping[str, np.ndarray], fetches: Sequence[str], timeout_ms: int) -> list[np.ndarray]:
        options = self._options(config_pb2.RunOptions(timeout_in_ms=timeout_ms, inter_op_thread_pool=int(self._one_thread)))
        try:
            return self._call(options, feeds, fetches)
        finally:
            pywrap_tf_session.TF_DeleteBuffer(options)

    def _call(self, options: Any, feeds: Mapping[str, np.ndarray], fetches: Sequence[str]) -> list[np.ndarray]:
        inputs = {self._tensor(name): array for name, array in feeds.items()}
        outputs = [self._tensor(name) for name in fetches]
        return pywrap_tf_session.TF_SessionRun_wrapper(self._session._session, options, inputs, outputs, [], None)

    def _few(self, fetches: tuple[str, ...]) -> tuple[str, ...]:
        """The tensors to fetch: those asked for, or all that any signature has once there are too many combinations."""
        if fetches in self._fetched:
            return fetches
        if len(self._fetched) < EXECUTORS:
            self._fetched.add(fetches)
            return fetches
        holders = [one for one in self.signatures.values() if set(fetches) <= set(one.fetches.values())]
        return tuple(holders[0].fetches.values()) if holders else fetches

    def _tensor(self, name: str) -> Any:
        found = self._tensors.get(name)
        if found is None:
            try:
                found = self._graph.as_graph_element(name, allow_operation=False)._as_tf_output()
            except (KeyError, ValueError, TypeError) as error:
                text = f"Tensor {name}, specified in either feed_devices or fetch_devices was not found in the Graph"
                raise StatusError(Code.NOT_FOUND, text) from error
            self._tensors[name] = found
        return found

    @staticmethod
    def _options(options: config_pb2.RunOptions) -> Any:
        return pywrap_tf_session.TF_NewBufferFromString(options.SerializeToString())
