"""Tiny SavedModels for tests, made in a process of their own: python tests/tiny_models.py FOLDER

scale/1, scale/2   y = x * version, x float [None, 2]; also the outputs `version` and a second signature `sum`
shop/1             two inputs and two outputs, one of them strings
types/1            one input and one output of every kind that JSON knows
warm/1             scale with good warm-up requests; warm/2 with a bad one
slow/1             answers after about half a second; its signature `endless` after many minutes
half/1             y = x / 2 + 2, as TF Serving's own example is exported: predict on x, classify and regress on tf.Examples
defaults/1         scale with a second input whose value may be left out
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
            return self.work(x, 400)

        @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, "x")])
        def endless(self, x):
            return self.work(x, 1_000_000)

        def work(self, x, steps):
            def body(i, a):
                return i + 1, tf.linalg.matmul(a, a) * 0.01

            size = 300
            _, a = tf.while_loop(lambda i, a: i < steps, body, [tf.constant(0), tf.ones([size, size])])
            return {"y": x + 0.0 * tf.reduce_sum(tf.clip_by_value(a, 0.0, 1.0))}

    for factor in (1, 2):
        scale = Scale(float(factor))
        tf.saved_model.save(
            scale, str(folder / f"scale/{factor}"), signatures={"serving_default": scale.serve, "sum": scale.total}
        )
    slow = Slow()
    tf.saved_model.save(slow, str(folder / "slow/1"), signatures={"serving_default": slow.serve, "endless": slow.endless})
    for name, module in (("shop", Shop()), ("types", Types())):
        tf.saved_model.save(module, str(folder / name / "1"), signatures={"serving_default": module.serve})
    warm(folder)
    half_plus_two(folder / "half" / "1")
    with_default(folder / "defaults" / "1")


def half_plus_two(target: Path) -> None:
    """One graph with one input of examples for all its heads, which only the builder of TF 1 exports."""
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        examples = v1.placeholder(tf.string, [None], "tf_example")
        features = tf.io.parse_example(examples, {"x": tf.io.FixedLenFeature([1], tf.float32)})
        x = tf.identity(features["x"], "x")
        a, b = v1.Variable(0.5, name="a"), v1.Variable(2.0, name="b")
        y = tf.add(a * x, b, "y")
        wide = tf.concat([y, -y], 1)
        names = tf.tile(tf.constant([["up", "down"]]), [tf.shape(y)[0], 1])
        heads = {
            "serving_default": ({"x": x}, {"y": y}, "predict"),
            "regress_x_to_y": ({"inputs": examples}, {"outputs": y}, "regress"),
            "flat": ({"inputs": examples}, {"outputs": y[:, 0]}, "regress"),
            "wide": ({"inputs": examples}, {"outputs": wide}, "regress"),
            "lone": ({"inputs": examples}, {"outputs": y[0, 0]}, "regress"),
            "classify_x_to_y": ({"inputs": examples}, {"scores": y}, "classify"),
            "names": ({"inputs": examples}, {"classes": names}, "classify"),
            "both": ({"inputs": examples}, {"classes": names, "scores": wide}, "classify"),
            "uneven": ({"inputs": examples}, {"classes": names, "scores": y}, "classify"),
            "oddly_named": ({"examples": examples}, {"outputs": y}, "regress"),
        }
        build = v1.saved_model.build_signature_def
        info = v1.saved_model.build_tensor_info
        session.run(v1.global_variables_initializer())
        builder = v1.saved_model.Builder(str(target))
        builder.add_meta_graph_and_variables(
            session,
            ["serve"],
            signature_def_map={
                name: build(
                    {alias: info(tensor) for alias, tensor in inputs.items()},
                    {alias: info(tensor) for alias, tensor in outputs.items()},
                    f"tensorflow/serving/{method}",
                )
                for name, (inputs, outputs, method) in heads.items()
            },
        )
        builder.save()


def with_default(target: Path) -> None:
    import tensorflow as tf
    from tensorflow.core.protobuf import saved_model_pb2

    class Shift(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "x"), tf.TensorSpec([], tf.float32, "by")])
        def serve(self, x, by):
            return {"y": x + by}

    module = Shift()
    tf.saved_model.save(module, str(target), signatures={"serving_default": module.serve})
    saved = saved_model_pb2.SavedModel()
    path = target / "saved_model.pb"
    saved.ParseFromString(path.read_bytes())
    saved.meta_graphs[0].signature_def["serving_default"].defaults["by"].CopyFrom(tf.make_tensor_proto(10.0))
    path.write_bytes(saved.SerializeToString())


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
