"""Where a step is computed: one device, several of this machine, or several workers. The weights come out the same.

A batch is cut into one share for each device of each worker. Every worker keeps all weights, begins with the same ones (from
the seed, or from the shared folder's checkpoint), adds up everybody's gradients by all-reduce, and so makes the same change.

Several workers are asked for as TensorFlow's users do: each process has TF_CONFIG, runs the same job over the same folder,
and only worker 0 writes.

    TF_CONFIG={"cluster": {"worker": ["127.0.0.1:18701", "127.0.0.1:18702"]}, "task": {"type": "worker", "index": 0}}

TensorFlow's channel between workers is neither encrypted nor authenticated, and listens on every interface whatever address is
given, 127.0.0.1 too: keep workers on a network that only they are on, or behind a firewall.

Several devices of one process are asked for by NIGHTFILL_TRAIN_DEVICES: that many GPUs, or parts of the CPU where there are
fewer. NIGHTFILL_TRAIN_XLA and NIGHTFILL_TRAIN_MIXED compile steps for the GPU and let it compute in 16 bits; the CPU
ignores them.
"""

import json
import logging
import os
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from include.errors import Refused, TryAgain
from include.settings import Settings

log = logging.getLogger("nightfill")
PATIENCE = 600.0
"""Seconds that one all-reduce may take: a worker that hangs without dying is lost."""
LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.FailedPreconditionError,
)


class Strategy:
    """How shares are spread. Without arguments: one device computes all."""

    def __init__(self, inner: tf.distribute.Strategy | None = None, worker: int = 0) -> None:
        self._inner = inner
        local = len(inner.extended.worker_devices) if inner else 1
        every = inner.num_replicas_in_sync if inner else 1
        self.chief, self._alone = worker == 0, every == local
        self.shares = [slice(number, None, every) for number in range(worker * local, (worker + 1) * local)]
        """Rows of a batch that this process computes."""

    def sum(self, share: Callable[[int], list[tf.Tensor]]) -> list[tf.Tensor]:
        """In a graph: the tensors of all shares, added up over devices and workers.

        Args:
            share: place in `shares` -> tensors.
        """
        if self._inner is None:
            return share(0)
        inner = self._inner

        def replica() -> list[tf.Tensor]:
            context = tf.distribute.get_replica_context()
            number = int(tf.get_static_value(context.replica_id_in_sync_group)) % len(self.shares)
            options = tf.distribute.experimental.CommunicationOptions(timeout_seconds=PATIENCE)
            return context.all_reduce(tf.distribute.ReduceOp.SUM, share(number), options)

        return [inner.experimental_local_results(value)[0] for value in inner.run(replica)]

    def wait(self, step: Callable[..., tf.Tensor], *given: Any) -> float:
        """Run a step to its end. Raises TryAgain when another worker was lost."""
        try:
            return float(step(*given))
        except LOST as error:
            if self._alone:
                raise
            raise TryAgain(
                f"Another worker was lost: {str(error).splitlines()[0]}",
                "Start all workers again: they go on from the checkpoint",
            ) from error


def choose(settings: Settings) -> Strategy:
    """As the environment says. To be called before TensorFlow does anything else.

    Raises:
        Refused: TF_CONFIG cannot be read.
    """
    tf.config.optimizer.set_jit("autoclustering" if settings.train_xla else False)
    tf.config.optimizer.set_experimental_options({"auto_mixed_precision": settings.train_mixed})
    cluster, worker = _cluster(os.environ.get("TF_CONFIG", ""))
    if len(cluster) > 1:
        log.info("worker %d of %d", worker, len(cluster))
        return Strategy(tf.distribute.MultiWorkerMirroredStrategy(), worker)
    if settings.train_devices > 1:
        return Strategy(tf.distribute.MirroredStrategy(_devices(settings.train_devices)))
    return Strategy()


def _cluster(config: str) -> tuple[list[str], int]:
    """Addresses of all workers, and which of them this is."""
    if not config:
        return [], 0
    try:
        told = json.loads(config)
        workers, task = list(told["cluster"]["worker"]), told["task"]
        if task["type"] != "worker" or not 0 <= int(task["index"]) < len(workers):
            raise ValueError("task is not one of the cluster's workers")
        return [str(one) for one in workers], int(task["index"])
    except (ValueError, KeyError, TypeError) as error:
        raise Refused(
            f"TF_CONFIG cannot be used: {error!r}", "Give a cluster of workers and a task that is one of them"
        ) from error


def _devices(many: int) -> list[str]:
    gpus = tf.config.list_physical_devices("GPU")
    if len(gpus) >= many:
        return [f"GPU:{number}" for number in range(many)]
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * many)
    return [f"CPU:{number}" for number in range(many)]
