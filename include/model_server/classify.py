"""Classify: labels and scores of each example."""

from typing import Any

import numpy as np

from include.model_server.calls import Call
from include.model_server.errors import Code, StatusError, invalid
from include.model_server.examples import answer
from include.model_server.sessions import Servable
from include.model_server.signatures import CLASSIFY, Signature
from include.model_server.tensors import dtype_name, shape_text

INPUTS, CLASSES, SCORES = "inputs", "classes", "scores"


def classify(servable: Servable, request: Any, response: Any, call: Call) -> None:
    """Answer a ClassificationRequest. Raises StatusError, tf.errors.OpError."""
    answer(servable, request, response, call, prepare, fill)


def prepare(signature: Signature, call: Call) -> tuple[str, list[str]]:
    """The tensors to feed and to fetch. Raises StatusError when the signature is not of that kind."""
    if call.check_method:
        signature.check_method(CLASSIFY)
    if len(signature.feeds) != 1:
        raise invalid("Expected one input Tensor.")
    if len(signature.fetches) not in (1, 2):
        raise invalid(f"Expected one or two output Tensors, found {len(signature.fetches)}")
    if INPUTS not in signature.feeds:
        text = f"No classification inputs found in SignatureDef: {signature.definition}"
        raise StatusError(Code.FAILED_PRECONDITION, text)
    fetches = [signature.fetches[alias] for alias in (CLASSES, SCORES) if alias in signature.fetches]
    if not fetches:
        raise StatusError(
            Code.FAILED_PRECONDITION,
            'Expected classification signature outputs to contain at least one of "classes" or "scores". '
            f"Signature was: {signature.definition}",
        )
    return signature.feeds[INPUTS], fetches


def fill(signature: Signature, count: int, outputs: dict[str, np.ndarray], result: Any) -> None:
    """Write a ClassificationResult; a missing label is empty and a missing score 0. Raises StatusError."""
    classes = outputs.get(signature.fetches.get(CLASSES, ""))
    scores = outputs.get(signature.fetches.get(SCORES, ""))
    _check(classes, CLASSES, "DT_STRING", count)
    _check(scores, SCORES, "DT_FLOAT", count)
    if classes is not None and scores is not None and classes.shape[1] != scores.shape[1]:
        raise invalid(f"Tensors class and score should match in dim_size(1). Got {classes.shape[1]} vs. {scores.shape[1]}")
    labels = classes.tolist() if classes is not None else None
    values = scores.tolist() if scores is not None else None
    for row in range(count):
        one = result.classifications.add()
        for column in range((classes if classes is not None else scores).shape[1]):  # type: ignore[union-attr]
            one.classes.add(
                label=labels[row][column].decode("utf-8", "replace") if labels else "",
                score=values[row][column] if values else 0.0,
            )


def _check(array: np.ndarray | None, what: str, kind: str, count: int) -> None:
    if array is None:
        return
    if array.ndim != 2:
        raise invalid(f"Expected Tensor shape: [batch_size num_classes] but got {shape_text(array)}")
    if dtype_name(array) != kind:
        raise invalid(f"Expected {what} Tensor of {kind}. Got: {dtype_name(array)}")
    if array.shape[0] != count:
        raise invalid(f"Expected {what} output batch size of {count}. Got: {array.shape[0]}")
