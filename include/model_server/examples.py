"""The input of Classify, Regress and MultiInference: tf.Examples, as one string tensor of serialized messages."""

from collections.abc import Callable
from typing import Any

import numpy as np

from include.model_server.calls import Call
from include.model_server.errors import invalid
from include.model_server.sessions import Servable
from include.model_server.signatures import DEFAULT, Signature, find

Prepare = Callable[[Signature, Call], tuple[str, list[str]]]
Fill = Callable[[Signature, int, dict[str, np.ndarray], Any], None]


def answer(servable: Servable, request: Any, response: Any, call: Call, prepare: Prepare, fill: Fill) -> None:
    """Answer a ClassificationRequest or a RegressionRequest, each with the two functions of its module.

    Raises:
        StatusError: the request or the signature does not fit.
        tf.errors.OpError: what the graph says.
    """
    name = request.model_spec.signature_name or DEFAULT
    signature = find(servable.signatures, name, lambda: invalid(f"No signature was found with the name: {name}"))
    feed, fetches = prepare(signature, call)
    count, outputs = run_examples(servable, request.input, feed, fetches, call)
    response.model_spec.signature_name = name
    fill(signature, count, outputs, response.result)


def run_examples(
    servable: Servable, given: Any, feed: str, fetches: list[str], call: Call
) -> tuple[int, dict[str, np.ndarray]]:
    """The number of examples, and the outputs by tensor name.

    Args:
        given: a tensorflow.serving.Input.

    Raises:
        StatusError: there is no example.
        tf.errors.OpError: what the graph says.
    """
    examples = serialized(given)
    call.examples(len(examples))
    unique = list(dict.fromkeys(fetches))
    return len(examples), dict(zip(unique, call.run(servable, {feed: examples}, unique), strict=True))


def serialized(given: Any) -> np.ndarray:
    """The examples, each serialized, as an array [n] of bytes.

    A context is put before each example: in a parsed concatenation the later of two equal keys wins, which is the example's.

    Raises:
        StatusError: INVALID_ARGUMENT when there is none.
    """
    kind = given.WhichOneof("kind")
    if kind == "example_list_with_context":
        context = given.example_list_with_context.context.SerializeToString()
        found = [context + one.SerializeToString() for one in given.example_list_with_context.examples]
    else:
        found = [one.SerializeToString() for one in given.example_list.examples]
    if not found:
        raise invalid("Input is empty.")
    array = np.empty(len(found), dtype=object)
    array[:] = found
    return array
