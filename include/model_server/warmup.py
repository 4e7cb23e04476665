"""Requests that a bundle brings along and that are run before its version answers: the first shopper finds it warm."""

import time
from pathlib import Path

import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from include.model_server.errors import Code, StatusError, as_status, invalid
from include.model_server.metrics import Metrics
from include.model_server.predict import predict
from include.model_server.sessions import Servable

FILE = Path("assets.extra") / "tf_serving_warmup_requests"
LIMIT = 1000


def warm_up(servable: Servable, folder: Path, rounds: int, metrics: Metrics) -> int:
    """Run the recorded requests, each `rounds` times. Returns how many records there were; no file means none.

    Raises:
        StatusError: a record is bad or fails. The version must then not be served.
    """
    path, started, count = folder / FILE, time.perf_counter(), 0
    if not path.exists():
        return 0
    status = "OK"
    try:
        for record in tf.compat.v1.io.tf_record_iterator(str(path)):
            count += 1
            if count > LIMIT:
                raise invalid(f"Number of warmup records exceeds the maximum ({LIMIT}) at {path}")
            for _ in range(max(rounds, 1)):
                _replay(servable, record, path)
    except Exception as error:
        status = as_status(error).code.name
        raise
    finally:
        metrics.observe("model_warmup_latency", (time.perf_counter() - started) * 1e6, model_path=str(folder), status=status)
    return count


def _replay(servable: Servable, record: bytes, path: Path) -> None:
    log = prediction_log_pb2.PredictionLog()
    try:
        log.ParseFromString(record)
    except Exception as error:
        raise invalid(f"Failed to parse warmup record from {path}") from error
    kind = log.WhichOneof("log_type")
    if kind != "predict_log":
        raise StatusError(Code.UNIMPLEMENTED, f"Unsupported log_type for warmup: {kind}")
    predict(servable, log.predict_log.request, predict_pb2.PredictResponse())
