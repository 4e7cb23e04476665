"""Predict on arrays: check the inputs against the signature, run, name the outputs. gRPC, REST and warm-up meet here."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from include.model_server.errors import Code, StatusError, invalid
from include.model_server.sessions import Servable
from include.model_server.tensors import from_array, to_array

DEFAULT_SIGNATURE = "serving_default"


def signature(servable: Servable, name: str) -> tuple[str, Any]:
    """The effective name and the SignatureDef. Raises StatusError FAILED_PRECONDITION."""
    effective = name or DEFAULT_SIGNATURE
    if effective not in servable.signatures:
        raise StatusError(Code.FAILED_PRECONDITION, f'Serving signature key "{effective}" not found.')
    return effective, servable.signatures[effective]


def run_signature(
    servable: Servable, definition: Any, inputs: Mapping[str, np.ndarray], output_filter: Sequence[str] = ()
) -> dict[str, np.ndarray]:
    """Outputs by alias.

    Args:
        definition: the SignatureDef.
        inputs: arrays by alias; `check_inputs` has passed them.
        output_filter: aliases to fetch; empty fetches all.

    Raises:
        StatusError: an alias is unknown or repeated.
        tf.errors.OpError: what the graph says.
    """
    aliases = _outputs(definition, output_filter)
    feeds = {definition.inputs[alias].name: array for alias, array in inputs.items()}
    for alias in definition.inputs:
        if alias not in inputs:
            feeds[definition.inputs[alias].name] = to_array(definition.defaults[alias])
    values = servable.run(feeds, [definition.outputs[alias].name for alias in aliases])
    return dict(zip(aliases, values, strict=True))


def check_inputs(definition: Any, sent: Sequence[str]) -> None:
    """Raises StatusError INVALID_ARGUMENT when the aliases sent are not those of the signature, defaults aside."""
    given, known = set(sent), set(definition.inputs)
    required = known - set(definition.defaults)
    if len(given) > len(known) or (not definition.defaults and len(given) != len(known)):
        raise invalid(
            f"input size does not match signature: {len(given)}!={len(known)} len({{{_join(given)}}}) != "
            f"len({{{_join(known)}}}). Sent extra: {{{_join(given - known)}}}. "
            f"Missing but required: {{{_join(required - given)}}}."
        )
    for alias in sorted(required - given):
        raise invalid(
            f"Signature input alias: {alias}(feed name: {definition.inputs[alias].name}) not found in request and no "
            f"default value provided. Inputs expected to be in the set {{{_join(known)}}}."
        )
    if given - known:
        raise invalid(
            f"input alias not found in signature: {_join(given - known)}. Inputs expected to be in {{{_join(known)}}}."
        )


def predict(servable: Servable, request: Any, response: Any, as_content: bool = False) -> None:
    """Answer a PredictRequest; fills the outputs and the signature's name into a PredictResponse."""
    name, definition = signature(servable, request.model_spec.signature_name)
    check_inputs(definition, list(request.inputs))
    inputs = {alias: _parse(alias, proto) for alias, proto in request.inputs.items()}
    outputs = run_signature(servable, definition, inputs, request.output_filter)
    response.model_spec.signature_name = name
    for alias, array in outputs.items():
        response.outputs[alias].CopyFrom(from_array(array, as_content))


def _parse(alias: str, proto: Any) -> np.ndarray:
    try:
        return to_array(proto)
    except (ValueError, TypeError, MemoryError, OverflowError) as error:
        raise invalid(f"tensor parsing error: {alias}") from error


def _outputs(definition: Any, output_filter: Sequence[str]) -> list[str]:
    if not output_filter:
        return sorted(definition.outputs)
    for position, alias in enumerate(output_filter):
        if alias not in definition.outputs:
            raise invalid(
                f"output tensor alias not found in signature: {alias} Outputs expected to be in the set "
                f"{{{_join(definition.outputs)}}}."
            )
        if alias in list(output_filter)[:position]:
            raise invalid(f"duplicate output tensor alias: {alias}")
    return list(output_filter)


def _join(names: Any) -> str:
    return ",".join(sorted(names))
