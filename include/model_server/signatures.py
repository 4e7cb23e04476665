"""What a request needs to know of a SignatureDef, read once: a lookup in a message costs more than one in a dict."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import numpy as np

from include.model_server.errors import Code, StatusError, invalid
from include.model_server.tensors import to_array

DEFAULT = "serving_default"
PREDICT, CLASSIFY, REGRESS = (f"tensorflow/serving/{name}" for name in ("predict", "classify", "regress"))


class Signature:
    """One signature.

    `feeds` and `fetches` map the aliases of inputs and outputs to tensor names, the outputs in the order of their aliases.
    """

    def __init__(self, name: str, definition: Any) -> None:
        self.name = name
        self.definition = definition
        self.method = str(definition.method_name)
        self.feeds = {alias: str(definition.inputs[alias].name) for alias in sorted(definition.inputs)}
        self.fetches = {alias: str(definition.outputs[alias].name) for alias in sorted(definition.outputs)}
        self.has_defaults = bool(definition.defaults)

    @cached_property
    def infos(self) -> dict[str, Any]:
        """TensorInfo by alias of the inputs."""
        return {alias: self.definition.inputs[alias] for alias in self.feeds}

    @cached_property
    def defaults(self) -> dict[str, np.ndarray]:
        """Values of inputs that a request may leave out. Raises StatusError when one cannot be parsed."""
        return {alias: parse(alias, self.definition.defaults[alias]) for alias in sorted(self.definition.defaults)}

    def check_method(self, *allowed: str) -> None:
        """Raises StatusError when the export was not made for this kind of call (--enable_signature_method_name_check)."""
        if self.method in allowed:
            return
        if PREDICT in allowed:
            raise StatusError(
                Code.INTERNAL,
                f"Expected prediction signature method_name to be one of {{{', '.join(allowed)}}}. Was: {self.method}",
            )
        kind = "classification" if CLASSIFY in allowed else "regression"
        raise invalid(f"Expected {kind} signature method_name to be {allowed[0]}. Was: {self.method}")


def parse(alias: str, proto: Any) -> np.ndarray:
    """A tensor of a request as an array. Raises StatusError INVALID_ARGUMENT."""
    try:
        return to_array(proto)
    except (ValueError, TypeError, MemoryError, OverflowError) as error:
        raise invalid(f"tensor parsing error: {alias}") from error


def join(names: Any) -> str:
    """A set of names as TF Serving's texts show it."""
    return ",".join(sorted(names))


def find(signatures: Mapping[str, Signature], name: str, refusal: Callable[[], StatusError]) -> Signature:
    """The signature of a request. Raises what `refusal` makes, whose words each call chooses."""
    try:
        return signatures[name or DEFAULT]
    except KeyError:
        raise refusal() from None
