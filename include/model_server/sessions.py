"""A SavedModel as TF Serving runs it: a graph in a session, and one callable for each set of inputs and outputs.

`session.run` would cast float64 to float32 in silence and check shapes, and a call of a restored signature costs ten
times as much; callables do neither and can fetch a part of the outputs.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

CALLABLES = 64
"""How many (inputs, outputs) pairs are kept; clients choose them, so there must be a limit."""


class Servable:
    """One loaded version.

    `signatures` maps the names to their SignatureDef, `run` evaluates tensors by name.
    """

    def __init__(self, path: Path, tags: Sequence[str], intra_op: int = 0, inter_op: int = 0) -> None:
        config = tf.compat.v1.ConfigProto(
            intra_op_parallelism_threads=intra_op, inter_op_parallelism_threads=inter_op, allow_soft_placement=True
        )
        self._inline = inter_op == 1
        self._lock = threading.Lock()
        self._callables: dict[tuple[tuple[str, ...], tuple[str, ...]], Callable[..., Any]] = {}
        self._graph = tf.Graph()
        self._session = tf.compat.v1.Session(graph=self._graph, config=config)
        try:
            with self._graph.as_default():
                meta = tf.compat.v1.saved_model.loader.load(self._session, list(tags), str(path))
        except BaseException:
            self._session.close()
            raise
        self.signatures: Mapping[str, Any] = dict(meta.signature_def)

    def run(self, feeds: Mapping[str, np.ndarray], fetches: Sequence[str]) -> list[np.ndarray]:
        """Evaluate tensors. `feeds` maps tensor names to arrays, whose dtype is never cast.

        Raises:
            tf.errors.OpError: what the runtime says.
        """
        unique = tuple(dict.fromkeys(fetches))
        order = tuple(sorted(feeds))  # a protobuf map has no order: without one, each caller's would cost a graph of its own
        call = self._callable(order, unique)
        values = dict(zip(unique, call(*(feeds[name] for name in order)), strict=True))
        return [values[name] for name in fetches]

    def close(self) -> None:
        """Free the session's memory."""
        with self._lock:
            self._callables.clear()
        self._session.close()

    def _callable(self, feeds: tuple[str, ...], fetches: tuple[str, ...]) -> Callable[..., Any]:
        key = (feeds, fetches)
        found = self._callables.get(key)
        if found is None:
            with self._lock:
                if len(self._callables) >= CALLABLES:
                    self._callables.clear()
                found = self._callables.setdefault(key, self._make(feeds, fetches))
        return found

    def _make(self, feeds: tuple[str, ...], fetches: tuple[str, ...]) -> Callable[..., Any]:
        from tensorflow.core.protobuf import config_pb2

        options = config_pb2.CallableOptions(feed=feeds, fetch=fetches)
        if self._inline:
            options.run_options.inter_op_thread_pool = -1  # in the caller's thread: no hand-over on a small machine
        return self._session._make_callable_from_options(options)
