"""Warm-up files with every kind of record, and files that spoil a load."""

import importlib
import shutil
from pathlib import Path

import pytest

from tests import tiny_models

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def half():
    """A loaded model, and what is needed to warm it up: (warm(folder, rounds), PredictionLog, the metrics)."""
    from include.model_server.calls import Call
    from include.model_server.metrics import Metrics
    from include.model_server.sessions import Servable
    from include.model_server.warmup import warm_up

    metrics, servable = Metrics(), Servable(tiny_models.cached() / "half" / "1", ["serve"])
    runs = []
    call = Call(ran=runs.append)
    log = importlib.import_module("tensorflow_serving.apis.prediction_log_pb2").PredictionLog

    def warm(folder: Path, rounds: int = 0) -> tuple[int, int]:
        runs.clear()
        return warm_up(servable, folder, rounds, metrics, call), len(runs)

    yield warm, log, metrics
    servable.close()


def write(folder: Path, *records: bytes) -> Path:
    import tensorflow as tf

    (folder / "assets.extra").mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(folder / "assets.extra" / "tf_serving_warmup_requests")) as writer:
        for record in records:
            writer.write(record)
    return folder


def logs(kind, count: int = 1) -> list[bytes]:
    """A record of each kind of call; model and version in it are of nobody, and nobody looks at them."""
    made = [kind() for _ in range(4)]
    made[0].classify_log.request.model_spec.signature_name = "both"
    made[1].regress_log.request.model_spec.signature_name = "flat"
    for one, method in (("both", "classify"), ("flat", "regress")):
        task = made[2].multi_inference_log.request.tasks.add(method_name=f"tensorflow/serving/{method}")
        task.model_spec.name, task.model_spec.signature_name = "nobody", one
    for one in (made[0].classify_log, made[1].regress_log, made[2].multi_inference_log):
        example = one.request.input.example_list.examples.add()
        example.features.feature["x"].float_list.value.append(1.0)
    tensor = made[3].predict_log.request.inputs["x"]
    tensor.dtype = 1
    tensor.float_val.append(1.0)
    for size in (1, 1):
        tensor.tensor_shape.dim.add(size=size)
    return [one.SerializeToString() for one in made] * count


def test_every_kind_of_call_is_replayed_as_often_as_asked(half, tmp_path):
    warm, kind, metrics = half
    assert warm(tmp_path) == (0, 0), "no file is fine"
    write(tmp_path, *logs(kind))
    assert warm(tmp_path) == (4, 4) and warm(tmp_path, 3) == (4, 12)
    assert f':tensorflow:serving:model_warmup_latency_count{{model_path="{tmp_path}",status="OK"}} 2' in metrics.page()


def test_whatever_is_wrong_spoils_the_load(half, tmp_path):
    from include.model_server.errors import StatusError

    warm, kind, _ = half
    session = kind()
    session.session_run_log.SetInParent()
    wrong = kind()
    wrong.predict_log.request.model_spec.signature_name = "gone"
    for records, text in (
        ([session.SerializeToString()], "UNIMPLEMENTED: Unsupported log_type for warmup: "),
        ([wrong.SerializeToString()], 'FAILED_PRECONDITION: Serving signature key "gone" not found.'),
        ([b"\xff\xff"], "INVALID_ARGUMENT: Failed to parse warmup record"),
        ([b""] * 1001, r"INVALID_ARGUMENT: Number of warmup records exceeds the maximum \(1000\)"),
    ):
        with pytest.raises(StatusError, match=text):
            warm(write(tmp_path, *records))
    (tmp_path / "assets.extra" / "tf_serving_warmup_requests").write_bytes(b"no records at all, but long enough")
    with pytest.raises(StatusError, match=r"DATA_LOSS: .*verify your warmup data is in TFRecord format"):
        warm(tmp_path)


def test_a_models_own_batching_file_replaces_the_common_one(tmp_path):
    from include.model_server.flags import parse_flags
    from include.model_server.loader import Loader
    from include.model_server.metrics import Metrics

    shutil.copytree(tiny_models.cached() / "half" / "1", tmp_path / "half" / "1")
    flags = ["--model_base_path=/x", "--enable_batching", "--enable_per_model_batching_parameters"]
    loader = Loader(parse_flags(flags), Metrics())
    assert loader._batching(tmp_path / "half" / "1") is None
    (tmp_path / "half/1/batching_params.pbtxt").write_text("max_batch_size { value: 2 }")
    assert loader._batching(tmp_path / "half" / "1")._parameters.max_batch_size == 2
