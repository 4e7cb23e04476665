"""From a good bundle to a spoilt one: the good SavedModel with a fault around it, written as a bundle of its own.

A fault changes the good model's variables, or its answer, or the names in its signature. A delayed fault counts the requests
in a variable of the graph, and begins after some number of them. Such a graph passes the scan of the check, as the graph of
an honest model with a counter in it would: only what it answers gives it away.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from include.errors import Refused
from include.rollout.contract import golden_questions, inputs_of

Answer = dict[str, tf.Tensor]
Change = Callable[[Answer, tf.Tensor], Answer]
"""The good answer, and a bool scalar "spoil this one", to the answer that is given."""

EXTRA = "assets.extra"


class Spoilt(tf.Module):
    """A good model whose answers a fault may change.

    Args:
        good: what tf.saved_model.load gave.
        name: what it signs its answers with.
        change: the fault in its answers.
        after: how many requests are answered well before.
        renamed: new names of the signature's inputs and outputs.
    """

    def __init__(self, good: Any, name: str, change: Change, after: int = 0, renamed: dict[str, str] | None = None) -> None:
        super().__init__(name="spoilt")
        self.good, self.signed, self.change, self.after, self.renamed = good, name, change, after, renamed or {}
        self.asked = tf.Variable(0, dtype=tf.int64, trainable=False)
        # No other bundle may share the file of variables: a drill damages it.
        self.mark = tf.Variable(list(name.encode()), dtype=tf.int32, trainable=False)
        serving = good.signatures["serving_default"]
        specs = {self._new(key): spec for key, spec in _inputs(serving).items()}
        named = {key: tf.TensorSpec(spec.shape, spec.dtype, key) for key, spec in specs.items()}
        self.signature = tf.function(self._answer).get_concrete_function(**named)

    def _new(self, name: str) -> str:
        return self.renamed.get(name, name)

    def _answer(self, **inputs: tf.Tensor) -> Answer:
        serving = self.good.signatures["serving_default"]
        answer = dict(serving(**{key: inputs[self._new(key)] for key in _inputs(serving)}))
        answer["model"] = tf.fill(tf.shape(answer["model"]), self.signed)
        if self.after:
            count = self.asked.assign(self.asked + 1)
            spoil = tf.greater(tf.identity(count), tf.constant(self.after, tf.int64))
        else:
            spoil = tf.constant(True)
        return {self._new(key): value for key, value in self.change(answer, spoil).items()}


def _inputs(serving: Any) -> dict[str, tf.TensorSpec]:
    return dict(serving.structured_input_signature[1])


def unchanged(answer: Answer, spoil: tf.Tensor) -> Answer:
    """For faults that are not in the answer's values."""
    return answer


def write(good_dir: Path, spoilt: Spoilt, folder: Path) -> None:
    """Write a bundle: the SavedModel, the good one's files beside it, and golden answers as an export would record them.

    Golden answers that are not finite cannot be written; where the spoilt model gives such, the good ones stay.
    """
    shutil.rmtree(folder, ignore_errors=True)
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    tf.saved_model.save(spoilt, str(folder), signatures={"serving_default": spoilt.signature}, options=options)
    shutil.copytree(good_dir / EXTRA, folder / EXTRA, dirs_exist_ok=True)
    questions = [_golden(spoilt, question) for question in golden_questions(good_dir)]
    (folder / EXTRA / "golden.json").write_text(json.dumps({"questions": questions}, allow_nan=False))
    about = json.loads((good_dir / EXTRA / "nightfill.json").read_text())
    (folder / EXTRA / "nightfill.json").write_text(json.dumps({**about, "name": spoilt.signed}, indent=1, sort_keys=True))


def load(good_dir: Path) -> Any:
    """A bundle's SavedModel, its variables to be changed.

    Raises:
        Refused: it has no signature serving_default.
    """
    good = tf.saved_model.load(str(good_dir))
    if "serving_default" not in good.signatures:
        raise Refused(f"{good_dir} has no signature serving_default", "Start from a bundle that serves")
    return good


def _golden(spoilt: Spoilt, question: dict[str, Any]) -> dict[str, Any]:
    good = question["outputs"]
    signed = {"model": [spoilt.signed] * len(good["model"])}
    if spoilt.renamed:
        return {**question, "outputs": good | signed}
    inputs = {key: tf.constant(value) for key, value in inputs_of(question).items()}
    answer = {key: value.numpy() for key, value in spoilt.signature(**inputs).items()}
    if not np.isfinite(answer["score"]).all():
        return {**question, "outputs": good | signed}
    products = [[product.decode() for product in row] for row in answer["product"].tolist()]
    return {**question, "outputs": {"product": products, "score": answer["score"].tolist()} | signed}
