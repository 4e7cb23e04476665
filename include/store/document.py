"""Small JSON in the store: every one says its format, and a newer one is refused instead of misread."""

import json
from typing import Any

from include.canonical import dumps
from include.errors import Refused

FORMAT = 1


def pack(value: dict[str, Any], fmt: int = FORMAT) -> bytes:
    """A value as the bytes of a document, its format among them."""
    return dumps({"format": fmt, **value})


def unpack(
    data: bytes,
    where: str,
    what: str = "a JSON object",
    todo: str = "Restore it from a copy of the store",
    newest: int = FORMAT,
) -> dict[str, Any]:
    """The value of a document without its format; one without a format is of the first.

    Args:
        where, what, todo: for the sentence: its key, what it should have been, and what to do when it is not.

    Raises:
        Refused: it is no JSON object, or a newer Nightfill wrote it.
    """
    try:
        value = json.loads(data)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise Refused(f"{where} is not {what}", todo)
    found = value.pop("format", 1)
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        raise Refused(f"{where} is not {what}: its format is no number", todo)
    if found > newest:
        raise Refused(f"{where} has format {found}, this version reads up to {newest}", "Upgrade Nightfill and run it again")
    return value
