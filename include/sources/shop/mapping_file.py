"""From a mapping file's bytes to a `Mapping`: plain YAML only, small, every key once."""

import json
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from include.errors import Refused
from include.sources.shop.mapping import Mapping

LARGEST = 64 * 1024
NAME = "nightfill.yaml"
"""What the mapping file is called when it lies beside the data."""
CORRECT = "Correct the mapping file; `nightfill shop init` writes one to start from"


class _Loader(yaml.SafeLoader):
    """SafeLoader without anchors, aliases and doubled keys."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise yaml.YAMLError(f"line {event.start_mark.line + 1} has an anchor or alias (& or *), which is not allowed")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.YAMLError(f"line {key.start_mark.line + 1} has a key that is no text")
            if key.value in seen:
                raise yaml.YAMLError(f"line {key.start_mark.line + 1} gives '{key.value}' a second time")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def read_mapping(path: Path) -> Mapping:
    """The mapping in a file.

    Raises:
        Refused: it is missing, too large, no plain YAML, or has a field that is unknown or wrong.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise Refused(f"The mapping file {path} has more than {LARGEST // 1024} KB", CORRECT)
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise Refused(f"There is no mapping file {path}", "Write one with `nightfill shop init`, or give --mapping") from None
    except OSError as error:
        raise Refused(f"The mapping file {path} cannot be read: {error.strerror}", "Correct its path or its rights") from error
    return parse_mapping(data, path.name)


def parse_mapping(data: bytes, name: str) -> Mapping:
    """The mapping in some bytes; `name` is for the sentence. Raises Refused as `read_mapping` does."""
    try:
        value = yaml.load(data.decode("utf-8-sig"), _Loader)  # _Loader is a SafeLoader: tags of Python objects are errors
    except UnicodeDecodeError as error:
        raise Refused(f"{name} is not UTF-8: byte {error.start + 1} cannot be read", CORRECT) from error
    except RecursionError:
        raise Refused(f"{name} is nested too deeply", CORRECT) from None
    except (yaml.YAMLError, ValueError) as error:
        raise Refused(f"{name} is not plain YAML: {' '.join(str(error).split())[:300]}", CORRECT) from error
    if not isinstance(value, dict):
        raise Refused(f"{name} holds no mapping", CORRECT)
    try:
        return Mapping.model_validate_json(json.dumps(value, default=str))
    except ValidationError as error:
        raise Refused(f"{name} is wrong: {_sentence(error)}", CORRECT) from error
    except (TypeError, ValueError) as error:
        raise Refused(f"{name} holds a value that cannot be used: {error}", CORRECT) from error


def _sentence(error: ValidationError) -> str:
    return "; ".join(dict.fromkeys(_one(dict(item)) for item in error.errors(include_url=False)[:6]))


def _one(item: dict[str, Any]) -> str:
    where = ".".join(str(part) for part in item["loc"] if not str(part).startswith(("constrained", "tuple", "function")))
    if item["type"] == "extra_forbidden":
        return f"there is no field '{where}'"
    if item["type"] == "missing":
        return f"field '{where}' is missing"
    if item["type"] == "string_type" and isinstance(item["input"], int | float):
        return f"{where} is the number {item['input']}: put it in quotes"
    if item["type"] == "string_type" and isinstance(item["input"], list):
        return f"{where} takes one text and got {len(item['input'])}"
    return f"{where + ': ' if where else ''}{str(item['msg']).removeprefix('Value error, ')}"
