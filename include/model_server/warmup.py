"""Requests that a bundle brings along and that are run before its version answers: the first shopper finds it warm."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow_serving.apis import classification_pb2, inference_pb2, predict_pb2, prediction_log_pb2, regression_pb2

from include.model_server.calls import Call
from include.model_server.classify import classify
from include.model_server.errors import Code, StatusError, as_status, invalid
from include.model_server.metrics import Metrics
from include.model_server.multi_inference import multi_inference
from include.model_server.predict import predict
from include.model_server.regress import regress
from include.model_server.sessions import Servable

FILE = Path("assets.extra") / "tf_serving_warmup_requests"
LIMIT = 1000
_CALLS: dict[str, tuple[Callable[..., None], Callable[[], Any]]] = {
    "predict_log": (predict, predict_pb2.PredictResponse),
    "classify_log": (classify, classification_pb2.ClassificationResponse),
    "regress_log": (regress, regression_pb2.RegressionResponse),
    "multi_inference_log": (multi_inference, inference_pb2.MultiInferenceResponse),
}


def warm_up(servable: Servable, folder: Path, rounds: int, metrics: Metrics, call: Call) -> int:
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
            log = _parsed(record, path)
            for _ in range(max(rounds, 1)):
                _replay(servable, log, call)
    except tf.errors.DataLossError as error:
        status = "DATA_LOSS"
        text = f"{error.message}. Please verify your warmup data is in TFRecord format."
        raise StatusError(Code.DATA_LOSS, text) from error
    except Exception as error:
        status = as_status(error).code.name
        raise
    finally:
        metrics.observe("model_warmup_latency", (time.perf_counter() - started) * 1e6, model_path=str(folder), status=status)
        metrics.count("model_warmup_records_read", count, model_path=str(folder), status=status)
    return count


def _parsed(record: bytes, path: Path) -> Any:
    log = prediction_log_pb2.PredictionLog()
    try:
        log.ParseFromString(record)
    except Exception as error:
        raise invalid(f"Failed to parse warmup record: {record[:100]!r} from {path}") from error
    return log


def _replay(servable: Servable, log: Any, call: Call) -> None:
    kind = log.WhichOneof("log_type")
    if kind is None:
        return
    if kind not in _CALLS:
        number = log.DESCRIPTOR.fields_by_name[kind].number
        raise StatusError(Code.UNIMPLEMENTED, f"Unsupported log_type for warmup: {number}")
    run, response = _CALLS[kind]
    run(servable, getattr(log, kind).request, response(), call)
