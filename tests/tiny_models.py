"""Tiny SavedModels for tests, made in a process of their own: python tests/tiny_models.py FOLDER

scale/1, scale/2   y = x * version, x float [None, 2]; also the outputs `version` and a second signature `sum`
shop/1             two inputs and two outputs, one of them strings
types/1            one input and one output of every kind that JSON knows
warm/1             scale with good warm-up requests; warm/2 with a bad one
slow/1             answers after about half a second
"""

import hashlib
import importlib.metadata
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path


def cached() -> Path:
    """The folder of models; made once for this file and this TensorFlow, and read by all tests."""
    mark = Path(__file__).read_bytes() + importlib.metadata.version("tensorflow").encode()
    parent = Path(tempfile.gettempdir()) / f"nightfill-tiny-models-{os.getuid()}"
    parent.mkdir(mode=0o700, exist_ok=True)
    assert parent.stat().st_uid == os.getuid()
    target = parent / hashlib.sha256(mark).hexdigest()[:16]
    if not target.exists():
        beside = Path(tempfile.mkdtemp(dir=parent))
        env = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
        subprocess.run([sys.executable, __file__, str(beside)], check=True, capture_output=True, env=env)
        try:
            beside.rename(target)
        except OSError:
            shutil.rmtree(beside)  # another test run was first
    return target


def main(folder: Path) -> None:
    import tensorflow as tf

    class Scale(tf.Module):
        def __init__(self, factor: float) -> None:
            super().__init__()
            self.factor = tf.Variable(factor)

        @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, "x")])
        def serve(self, x):
            return {"y": x * self.factor, "version": tf.fill([tf.shape(x)[0]], tf.cast(self.factor, tf.int64))}

        @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, "x")])
        def total(self, x):
            return {"total": tf.reduce_sum(x) * self.factor}

    class Shop(tf.Module):
        @tf.function(
            input_signature=[tf.TensorSpec([None], tf.string, "household"), tf.TensorSpec([None, None], tf.int32, "history")]
        )
        def serve(self, household, history):
            return {"product": tf.strings.join([household, "-p"]), "score": tf.cast(tf.reduce_sum(history, 1), tf.float32) / 10}

    class Types(tf.Module):
        @tf.function(
            input_signature=[
                tf.TensorSpec([None], tf.bool, "flag"),
                tf.TensorSpec([None], tf.int64, "number"),
                tf.TensorSpec([None], tf.float64, "real"),
                tf.TensorSpec([None], tf.string, "text"),
            ]
        )
        def serve(self, flag, number, real, text):
            return {"flag": flag, "number": number, "real": real, "raw_bytes": text, "text": text}

    class Slow(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, "x")])
        def serve(self, x):
            def body(i, a):
                return i + 1, tf.linalg.matmul(a, a) * 0.01

            size = 300
            _, a = tf.while_loop(lambda i, a: i < 400, body, [tf.constant(0), tf.ones([size, size])])
            return {"y": x + 0.0 * tf.reduce_sum(tf.clip_by_value(a, 0.0, 1.0))}

    for factor in (1, 2):
        scale = Scale(float(factor))
        tf.saved_model.save(
            scale, str(folder / f"scale/{factor}"), signatures={"serving_default": scale.serve, "sum": scale.total}
        )
    for name, module in (("shop", Shop()), ("types", Types()), ("slow", Slow())):
        tf.saved_model.save(module, str(folder / name / "1"), signatures={"serving_default": module.serve})
    warm(folder)


def warm(folder: Path) -> None:
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

    for version, columns in ((1, 2), (2, 3)):
        target = folder / f"warm/{version}"
        shutil.copytree(folder / "scale/1", target)
        request = predict_pb2.PredictRequest()
        request.inputs["x"].CopyFrom(tf.make_tensor_proto([[1.0] * columns]))
        if version == 2:
            request.model_spec.signature_name = "gone"
        (target / "assets.extra").mkdir()
        with tf.io.TFRecordWriter(str(target / "assets.extra" / "tf_serving_warmup_requests")) as writer:
            log = prediction_log_pb2.PredictionLog(predict_log=prediction_log_pb2.PredictLog(request=request))
            writer.write(log.SerializeToString())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
