"""What it takes to make a version ready: its session, its batching, its warm-up."""

from pathlib import Path

from include.model_server.batch_queue import Scheduler
from include.model_server.batching import Batching
from include.model_server.batching_config import BatchingParameters, own_parameters, parse_batching
from include.model_server.calls import Call
from include.model_server.flags import Flags
from include.model_server.metrics import Metrics
from include.model_server.sessions import Servable
from include.model_server.warmup import warm_up


class Loader:
    """Loads versions the way the flags say. Raises StatusError, OSError for a batching file that cannot be read."""

    def __init__(self, flags: Flags, metrics: Metrics) -> None:
        self._flags = flags
        self._metrics = metrics
        self._common = BatchingParameters()
        if flags.batching_parameters_file:
            self._common = parse_batching(Path(flags.batching_parameters_file).read_text(encoding="utf-8"))
        self._scheduler = Scheduler(max(self._common.num_batch_threads, 1)) if flags.enable_batching else None

    def load(self, model: str, number: int, path: Path) -> Servable:
        """A version that may answer. Raises StatusError, tf.errors.OpError."""
        flags = self._flags
        servable = Servable(path, flags.tags, flags.intra_op, flags.inter_op, self._batching(path))
        try:
            if flags.enable_model_warmup:
                call = Call(check_method=flags.enable_signature_method_name_check)
                warm_up(servable, path, flags.num_request_iterations_for_warmup, self._metrics, call)
        except BaseException:
            servable.close()
            raise
        return servable

    def _batching(self, path: Path) -> Batching | None:
        if not self._scheduler:
            return None
        own = self._flags.enable_per_model_batching_parameters
        parameters = own_parameters(path) if own else self._common
        return Batching(parameters, self._scheduler, self._metrics) if parameters else None
