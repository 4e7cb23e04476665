"""MultiInference: several heads of one model on the same examples, in one run of the graph."""

from typing import Any

from include.model_server import classify, regress
from include.model_server.calls import Call
from include.model_server.errors import Code, StatusError, invalid
from include.model_server.examples import run_examples
from include.model_server.sessions import Servable
from include.model_server.signatures import CLASSIFY, DEFAULT, REGRESS, Signature

_KINDS = {CLASSIFY: classify.prepare, REGRESS: regress.prepare}


def model_spec(request: Any) -> Any:
    """The model_spec that chooses model and version: that of the first task."""
    return request.tasks[0].model_spec if request.tasks else None


def multi_inference(servable: Servable, request: Any, response: Any, call: Call) -> None:
    """Answer a MultiInferenceRequest; results have the order of the tasks. Raises StatusError, tf.errors.OpError."""
    tasks = _signatures(servable, request)
    feed, fetches = "", list[str]()
    for signature, method in tasks:
        if method not in _KINDS:
            raise StatusError(Code.UNIMPLEMENTED, f"Unsupported signature method_name: {method}")
        one_feed, more = _KINDS[method](signature, call)
        if feed and feed != one_feed:
            raise invalid("Input tensor must be the same for all Signatures.")
        feed, fetches = one_feed, fetches + more
    count, outputs = run_examples(servable, request.input, feed, fetches, call)
    for signature, method in tasks:
        result = response.results.add()
        result.model_spec.signature_name = signature.name
        if method == CLASSIFY:
            result.classification_result.SetInParent()
            classify.fill(signature, count, outputs, result.classification_result)
        else:
            result.regression_result.SetInParent()
            regress.fill(signature, count, outputs, result.regression_result)


def _signatures(servable: Servable, request: Any) -> list[tuple[Signature, str]]:
    model, found = "", list[tuple[Signature, str]]()
    for task in request.tasks:
        if not task.model_spec.name:
            raise invalid("Found ModelSpec with an empty model name.")
        model = model or task.model_spec.name
        if model != task.model_spec.name:
            raise invalid("All ModelSpecs in a MultiInferenceRequest must access the same model name.")
        name = task.model_spec.signature_name or DEFAULT
        if any(name == signature.name for signature, _ in found):
            raise invalid(f"Duplicate evaluation of signature: {name}")
        if name not in servable.signatures:
            raise invalid(f"Requested signature not found in model graph: {name}")
        found.append((servable.signatures[name], task.method_name))
    return found
