"""The paths of the REST API, and the model that one names."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from include.model_server.errors import invalid
from include.model_server.versions import INT64_MAX

_WHICH = r"(?:/versions/(?P<version>[0-9]+)|/labels/(?P<label>[^/:]+))?"
_POST = re.compile(rf"/v1/models/(?P<name>[^/:]+){_WHICH}:(?P<verb>classify|regress|predict)", re.IGNORECASE)
_GET = re.compile(rf"/v1/models(?:/(?P<name>[^/:]+))?{_WHICH}(?:/(?P<verb>metadata))?", re.IGNORECASE)
_ALL = re.compile(r"/v1/.*", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Target:
    """What a path names. `verb` is classify, regress, predict, metadata, or empty for the status."""

    verb: str
    name: str
    version: int | None
    label: str

    def fill(self, spec: Any) -> None:
        """Write it into a ModelSpec."""
        spec.name = self.name
        if self.version is not None:
            spec.version.value = self.version
        elif self.label:
            spec.version_label = self.label


def is_api(path: str) -> bool:
    """Whether a path belongs to the REST API at all."""
    return _ALL.fullmatch(path) is not None


def parse_path(method: str, path: str) -> Target:
    """Raises StatusError INVALID_ARGUMENT for a path or a method that the API does not have."""
    pattern = {"POST": _POST, "GET": _GET}.get(method)
    found = pattern.fullmatch(path) if pattern else None
    if not found:
        raise invalid(f"Malformed request: {method} {path}")
    number = found["version"]
    if number and int(number[:40]) > INT64_MAX:
        raise invalid(f"Failed to convert version: {number} to numeric.")
    verb = found["verb"] or ""
    if method == "POST" and verb not in ("classify", "regress", "predict"):  # the path may have any case, the verb may not
        raise invalid(f"Malformed request: POST {path}")
    name = unquote(found["name"] or "")
    if method == "GET" and not name:
        raise invalid("Missing model name in request.")
    return Target(verb, name, int(number) if number else None, unquote(found["label"] or ""))
