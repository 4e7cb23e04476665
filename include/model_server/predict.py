"""Predict on arrays: check the inputs against the signature, run, name the outputs. gRPC, REST and warm-up meet here."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from include.model_server.calls import Call
from include.model_server.errors import Code, StatusError, invalid
from include.model_server.sessions import Servable
from include.model_server.signatures import CLASSIFY, DEFAULT, PREDICT, REGRESS, Signature, find, join, parse
from include.model_server.tensors import write_tensor


def predict(servable: Servable, request: Any, response: Any, call: Call) -> None:
    """Answer a PredictRequest: fills the outputs and the signature's name into a PredictResponse."""
    name = request.model_spec.signature_name
    signature = find(servable.signatures, name, lambda: _no_signature(name))
    feeds = read_inputs(signature, request.inputs)
    outputs = run_signature(servable, signature, feeds, call, request.output_filter)
    response.model_spec.signature_name = signature.name
    for alias, array in outputs.items():
        write_tensor(response.outputs[alias], array, call.as_content)


def run_signature(
    servable: Servable, signature: Signature, inputs: Mapping[str, np.ndarray], call: Call, output_filter: Sequence[str] = ()
) -> dict[str, np.ndarray]:
    """Outputs by alias.

    Args:
        inputs: arrays by alias.
        output_filter: aliases to fetch; empty fetches all.

    Raises:
        StatusError: an alias is unknown or repeated.
        tf.errors.OpError: what the graph says.
    """
    if call.check_method:
        signature.check_method(PREDICT, CLASSIFY, REGRESS)
    aliases = _outputs(signature, output_filter) if output_filter else list(signature.fetches)
    feeds = {signature.feeds[alias]: array for alias, array in inputs.items()}
    values = call.run(servable, feeds, [signature.fetches[alias] for alias in aliases])
    return dict(zip(aliases, values, strict=True))


def read_inputs(signature: Signature, sent: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The arrays of a request's inputs by alias, defaults filled in. Raises StatusError INVALID_ARGUMENT."""
    if not signature.has_defaults and len(sent) != len(signature.feeds):
        raise _wrong_number(signature, sent)
    found: dict[str, np.ndarray] = {}
    for alias, feed in signature.feeds.items():
        if alias in sent:
            found[alias] = parse(alias, sent[alias])
        elif alias in signature.defaults:
            found[alias] = signature.defaults[alias]
        else:
            raise invalid(
                f"Signature input alias: {alias}(feed name: {feed}) not found in request and no default value provided. "
                f"Inputs expected to be in the request {{{join(sent)}}}, or default input alias set: "
                f"{join(signature.defaults)}"
            )
    used = [alias for alias in sent if alias in found]
    if len(used) != len(sent):
        raise invalid(f"Inputs contains invalid name. Used request inputs: {join(used)}, request input: {join(sent)}")
    return found


def _no_signature(name: str) -> StatusError:
    return StatusError(Code.FAILED_PRECONDITION, f'Serving signature key "{name or DEFAULT}" not found.')


def _wrong_number(signature: Signature, sent: Mapping[str, Any]) -> StatusError:
    given, known = set(sent), set(signature.feeds)
    return invalid(
        f"input size does not match signature: {len(given)}!={len(known)} len({{{join(given)}}}) != len({{{join(known)}}}). "
        f"Sent extra: {{{join(given - known)}}}. Missing but required: {{{join(known - given)}}}."
    )


def _outputs(signature: Signature, output_filter: Sequence[str]) -> list[str]:
    seen: list[str] = []
    for alias in output_filter:
        if alias not in signature.fetches:
            raise invalid(
                f"output tensor alias not found in signature: {alias} Outputs expected to be in the set "
                f"{{{join(signature.fetches)}}}."
            )
        if alias in seen:
            raise invalid(f"duplicate output tensor alias: {alias}")
        seen.append(alias)
    return seen
