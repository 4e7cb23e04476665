"""The text of a REST body: JSON with TF Serving's additions and refusals.

What is plain JSON goes through msgspec. Anything else is read again by Python's decoder, which takes NaN, Infinity and text
after the object, and whose complaints are put into the words of RapidJSON, the parser of the real server.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from include.model_server.errors import StatusError, invalid

_TOP = (b'"instances"', b'"inputs"', b'"examples"', b'"context"', b'"signature_name"')
_BARE_INF = re.compile(r'"(?:[^"\\]|\\.)*"|\bInf\b', re.DOTALL)
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*(?:"|$)|[\[\]{}]', re.DOTALL)
_WORDS = {
    "Expecting value": "Invalid value.",
    "Expecting property name enclosed in double quotes": "Missing a name for object member.",
    "Illegal trailing comma before end of object": "Missing a name for object member.",
    "Illegal trailing comma before end of array": "Invalid value.",
    "Expecting ':' delimiter": "Missing a colon after a name of object member.",
    "Unterminated string starting at": "Missing a closing quotation mark in string.",
    "Invalid control character at": "Invalid encoding in string.",
    "Invalid \\escape": "Invalid escape character in string.",
    "Invalid \\uXXXX escape": "Incorrect hex digit after \\u escape in string.",
}
SHOWN = 2000


def parse_body(body: bytes | bytearray) -> dict[str, Any]:
    """The JSON object of a request; of two equal keys at the top the first counts, what follows the object is ignored.

    Raises:
        StatusError: INVALID_ARGUMENT for anything that is no object, nesting without end included.
    """
    try:
        repeated = any(body.count(key) > 1 for key in _TOP)
        value = _by_python(body) if repeated else msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        value = _by_python(body)
    except RecursionError:
        raise _refusal("Nested too deeply.", 0) from None
    if not isinstance(value, dict):
        raise invalid(f"JSON Value: {shown(value)} Is not object")
    return value


def signature_name(body: Mapping[str, Any]) -> str:
    """The signature that is asked for, or an empty string. Raises StatusError when it is no string."""
    name = body.get("signature_name", "")
    if not isinstance(name, str):
        text = "not formatted correctly. 'signature_name' key must be a string value."
        raise invalid(f"JSON Value: {shown(body)} {text}")
    return name


def shown(value: Any) -> str:
    """A value in an error text, laid out as the real server does, but cut: an answer must not carry back megabytes."""
    text = ""
    try:
        for piece in json.JSONEncoder(ensure_ascii=False, default=str, indent=4).iterencode(value):
            text += piece
            if len(text) > SHOWN:
                return text[:SHOWN] + "..."
    except RecursionError:
        return text[:SHOWN] + "..."
    return text


def kind_name(value: Any) -> str:
    """RapidJSON's name of a value's kind."""
    names = {bool: str(value), dict: "Object", list: "Array", str: "String", type(None): "Null"}
    return names.get(type(value), "Number")


def _by_python(body: bytes | bytearray) -> Any:
    if not body:
        raise invalid("JSON Parse error: The document is empty")
    text = body.decode("utf-8-sig", "surrogateescape")
    if "Inf" in text:
        text = _BARE_INF.sub(lambda found: "Infinity" if found[0] == "Inf" else found[0], text)
    start = len(text) - len(text.lstrip(" \t\r\n"))
    if start == len(text):
        raise _refusal("The document is empty.", len(body))
    decoder = json.JSONDecoder(object_pairs_hook=_first_wins, parse_float=_float)
    try:
        return decoder.raw_decode(text, start)[0]
    except json.JSONDecodeError as error:
        raise _located(error, text) from error
    except RecursionError:
        raise _refusal("Nested too deeply.", start) from None
    except ValueError as error:  # a whole number of thousands of digits
        raise _refusal("Number too big to be stored in double.", start) from error


def _first_wins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return dict(reversed(pairs))


def _float(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(text)
    return number


def _located(error: json.JSONDecodeError, text: str) -> StatusError:
    words = _WORDS.get(error.msg)
    if words is None:
        opened = _innermost(text[: error.pos])
        words = {
            "[": "Missing a comma or ] after an array element.",
            "{": "Missing a comma or } after an object member.",
        }.get(opened, "Invalid value.")
    return _refusal(words, len(text[: error.pos].encode("utf-8", "surrogateescape")))


def _innermost(text: str) -> str:
    """The bracket that is open at the end of a text."""
    opened: list[str] = []
    for found in _BRACKETS.finditer(text):
        if found[0] in "[{":
            opened.append(found[0])
        elif found[0] in "]}" and opened:
            opened.pop()
    return opened[-1] if opened else ""


def _refusal(words: str, offset: int) -> StatusError:
    return invalid(f"JSON Parse error: {words} at offset: {offset}")
