"""docker-compose.yaml as Compose would see it: merged, with the variables of a fresh .env filled in."""

import functools
import io
import re
from typing import Any

import yaml
from dotenv import dotenv_values

from include.cli import env_file
from include.settings import ROOT

PATH = ROOT / "docker-compose.yaml"
VARIABLE = re.compile(r"\$(?:(\$)|\{(\w+)(?:(:?[?-])([^}]*))?\})")
"""Group 1: a doubled dollar, which stands for one. Else name, operator and what follows it."""


@functools.cache
def raw() -> dict[str, Any]:
    """The file with YAML's anchors and merges done, variables as they are written."""
    return yaml.safe_load(PATH.read_text())


@functools.cache
def environment() -> dict[str, str]:
    return {name: value or "" for name, value in dotenv_values(stream=io.StringIO(env_file.text())).items()}


def variables(text: str) -> list[tuple[str, str, str]]:
    """(name, operator, what follows) of every variable in a text."""
    return [(m[2], m[3] or "", m[4] or "") for m in VARIABLE.finditer(text) if m[2]]


def filled(value: Any, values: dict[str, str]) -> Any:
    """A value with its variables replaced, by the rules of the Compose specification's interpolation."""
    if isinstance(value, dict):
        return {key: filled(one, values) for key, one in value.items()}
    if isinstance(value, list):
        return [filled(one, values) for one in value]
    return VARIABLE.sub(lambda match: _one(match, values), value) if isinstance(value, str) else value


@functools.cache
def compose() -> dict[str, Any]:
    """The file with the variables of a fresh .env."""
    return filled(raw(), environment())


def services() -> dict[str, dict[str, Any]]:
    return compose()["services"]


def once() -> set[str]:
    """The init jobs: they run to their end at every start."""
    return {name for name, service in services().items() if service["restart"] == "no"}


def _one(match: re.Match[str], values: dict[str, str]) -> str:
    if match[1]:
        return "$"
    value = values.get(match[2], "")
    if not value and match[3] == ":?":
        raise KeyError(f"{match[2]}: {match[4]}")
    return value or (match[4] or "" if match[3] == ":-" else "")
