"""Regress: one number for each example."""

from typing import Any

import numpy as np

from include.model_server.calls import Call
from include.model_server.errors import Code, StatusError, invalid
from include.model_server.examples import answer
from include.model_server.sessions import Servable
from include.model_server.signatures import REGRESS, Signature
from include.model_server.tensors import dtype_name, shape_text

INPUTS, OUTPUTS = "inputs", "outputs"


def regress(servable: Servable, request: Any, response: Any, call: Call) -> None:
    """Answer a RegressionRequest. Raises StatusError, tf.errors.OpError."""
    answer(servable, request, response, call, prepare, fill)


def prepare(signature: Signature, call: Call) -> tuple[str, list[str]]:
    """The tensors to feed and to fetch. Raises StatusError when the signature is not of that kind."""
    if call.check_method:
        signature.check_method(REGRESS)
    if len(signature.feeds) != 1:
        raise invalid("Expected one input Tensor.")
    if len(signature.fetches) != 1:
        raise invalid("Expected one output Tensor.")
    for what, alias, names in (("inputs", INPUTS, signature.feeds), ("outputs", OUTPUTS, signature.fetches)):
        if alias not in names:
            text = f"No regression {what} found in SignatureDef: {signature.definition}"
            raise StatusError(Code.FAILED_PRECONDITION, text)
    return signature.feeds[INPUTS], [signature.fetches[OUTPUTS]]


def fill(signature: Signature, count: int, outputs: dict[str, np.ndarray], result: Any) -> None:
    """Write a RegressionResult. Raises StatusError when the output is not float [n] or [n, 1]."""
    array = outputs[signature.fetches[OUTPUTS]]
    if not (array.ndim == 1 or (array.ndim == 2 and array.shape[1] == 1)):
        raise invalid(f"Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got {shape_text(array)}")
    if array.shape[0] != count:
        raise invalid(f"Input batch size did not match output batch size: {count} vs. {array.shape[0]}")
    if dtype_name(array) != "DT_FLOAT":
        raise invalid(f"Expected output Tensor of DT_FLOAT.  Got: {dtype_name(array)}")
    for value in array.ravel().tolist():
        result.regressions.add(value=value)
