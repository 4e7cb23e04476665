"""Bundles for tests, good and bad, made in a process of their own: python -m tests.rollout.toy_bundles FOLDER

good, reads_file (from its signature), runs_python, wrong_type, missing_output, constant, not_finite, other_golden
"""

import json
import sys
from pathlib import Path

NAME = "c" * 16
BAD = ("reads_file", "runs_python", "wrong_type", "missing_output", "constant", "not_finite", "other_golden")


def main(folder: Path) -> None:
    import tensorflow as tf

    def module(kind: str) -> tf.Module:
        household = tf.float64 if kind == "wrong_type" else tf.float32

        class Ranker(tf.Module):
            def __init__(self) -> None:
                super().__init__()
                self.weight = tf.Variable([[3.0, 2.0, 1.0]])

            @tf.function(
                input_signature=[
                    tf.TensorSpec([None, None], tf.int32, "history_product"),
                    tf.TensorSpec([None, None, 2], tf.float32, "history_features"),
                    tf.TensorSpec([None, 2], household, "household_features"),
                    tf.TensorSpec([None], tf.bool, "exclude_bought"),
                ]
            )
            def serve(self, history_product, history_features, household_features, exclude_bought):
                one = 1.0 + tf.reduce_sum(tf.cast(household_features, tf.float32), 1, keepdims=True)
                score = (
                    one * self.weight
                    + 0.0 * tf.reduce_sum(history_features)
                    + 0.0 * tf.cast(exclude_bought, tf.float32)[:, None]
                )
                if kind == "constant":
                    score = tf.ones_like(score)
                if kind == "not_finite":
                    score = score / 0.0
                if kind == "reads_file":
                    score += 0.0 * tf.cast(tf.strings.length(tf.io.read_file("/etc/hostname")), tf.float32)
                if kind == "runs_python":
                    score = tf.ensure_shape(tf.py_function(lambda x: x, [score], tf.float32), [None, 3])
                b = tf.shape(history_product)[0]
                product = tf.broadcast_to(tf.constant([["p1", "p2", "p3"]]), [b, 3])
                answer = {"product": product, "score": score, "model": tf.fill([b], NAME)}
                return {k: v for k, v in answer.items() if not (kind == "missing_output" and k == "score")}

        return Ranker()

    for kind in ("good", *BAD):
        ranker = module(kind)
        tf.saved_model.save(ranker, str(folder / kind), signatures={"serving_default": ranker.serve})
        extra = folder / kind / "assets.extra"
        extra.mkdir(exist_ok=True)
        (extra / "golden.json").write_text(json.dumps({"questions": [golden(kind)]}))


def golden(kind: str) -> dict:
    score = [1.0, 1.0, 1.0] if kind == "constant" else [6.0, 4.0, 2.0]
    if kind == "other_golden":
        score[0] += 0.01
    return {
        "inputs": {
            "history_product": [[1, -1]],
            "history_features": [[[0.5, 1.0], [0.0, 0.0]]],
            "household_features": [[0.25, 0.75]],
            "exclude_bought": [False],
        },
        "outputs": {"product": [["p1", "p2", "p3"]], "score": [score], "model": [NAME]},
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
