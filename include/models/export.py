"""A bundle: a directory that TensorFlow Serving loads as a version, with all that a release needs beside the graph.

saved_model.pb, fingerprint.pb, variables/     the SavedModel, signature `serving_default`, top k inside
assets.extra/tf_serving_warmup_requests        TFRecord of PredictionLog, replayed by the server before it is AVAILABLE
assets.extra/golden.json                       questions and the answers that this model gave at export
assets.extra/nightfill.json                    what it is: surface, recipe, night, model name, spec, export version
assets.extra/{weights.npz,vocabulary.json,model.json}   to rebuild the model on another night's products
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from include.models.model import EXPORT_VERSION, Model
from include.models.serving import Served

EXTRA = "assets.extra"
GOLDEN_BATCHES = (1, 4)
WARMUP_BATCHES = (1, 8)


def write_bundle(model: Model, served: Served, night: str, questions: Mapping[str, np.ndarray], folder: Path) -> dict[str, Any]:
    """Write one bundle, replacing what is in the folder.

    Args:
        questions: inputs of the signature for at least one household, as of the night.

    Returns:
        What nightfill.json says.
    """
    shutil.rmtree(folder, ignore_errors=True)
    # Graph, variables and fingerprint only: the debug information names paths of this machine.
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    tf.saved_model.save(served, str(folder), signatures={"serving_default": served.signature}, options=options)
    extra = folder / EXTRA
    model.save(extra)
    about = {
        "surface": model.recipe.surface,
        "recipe": model.recipe.model_dump(mode="json"),
        "night": night,
        "name": served.model_name,
        "spec": model.spec,
        "widths": dict(model.widths),
        "precision": model.precision,
        "export": EXPORT_VERSION,
    }
    (extra / "nightfill.json").write_text(json.dumps(about, indent=1, sort_keys=True))
    golden = [_golden(served, take(questions, n)) for n in GOLDEN_BATCHES]
    (extra / "golden.json").write_text(json.dumps({"questions": golden}, allow_nan=False))
    _write_warmup(model.recipe.surface, [take(questions, n) for n in WARMUP_BATCHES], extra / "tf_serving_warmup_requests")
    return about


def take(questions: Mapping[str, np.ndarray], n: int) -> dict[str, np.ndarray]:
    """A batch of n households from the questions, in turn when there are fewer, with no more slots than they fill."""
    chosen = np.arange(n) % len(questions["exclude_bought"])
    batch = {name: value[chosen] for name, value in questions.items()}
    used = max(1, int((batch["history_product"] >= 0).sum(axis=1).max()))
    return batch | {name: batch[name][:, :used] for name in ("history_product", "history_features")}


def _golden(served: Served, inputs: dict[str, np.ndarray]) -> dict[str, Any]:
    answers = served.ask(**inputs)
    outputs: dict[str, Any] = {name: value.tolist() for name, value in answers.items() if value.dtype != object}
    for name in ("product", "model"):
        outputs[name] = [[p.decode() for p in row] if isinstance(row, list) else row.decode() for row in answers[name].tolist()]
    return {"inputs": {name: value.tolist() for name, value in inputs.items()}, "outputs": outputs}


def _write_warmup(surface: str, batches: list[dict[str, np.ndarray]], path: Path) -> None:
    with tf.io.TFRecordWriter(str(path)) as writer:
        for batch in batches:
            request = predict_pb2.PredictRequest()
            request.model_spec.name, request.model_spec.signature_name = surface, "serving_default"
            for name, value in batch.items():
                request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
            log = prediction_log_pb2.PredictionLog(predict_log=prediction_log_pb2.PredictLog(request=request))
            writer.write(log.SerializeToString())
