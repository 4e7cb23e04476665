"""From a file's bytes to lines of text, never more of them in memory than one line may have."""

import codecs
import gzip
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from include.errors import Refused

LONGEST = 1 << 20
"""Bytes of one line. A purchase has a few hundred; a longer one is no line of a table."""
_BOMS = {codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16"}


def text_lines(file: BinaryIO, name: str, encoding: str) -> Iterator[str]:
    """Lines with their ends. A byte order mark of UTF-8 is dropped, `.gz` is unpacked on the way.

    Raises:
        Refused: another encoding, a line over LONGEST, a NUL byte, or a damaged .gz.
    """
    source: BinaryIO = gzip.GzipFile(fileobj=file) if name.endswith(".gz") else file  # type: ignore[assignment]
    offset, number = 0, 0
    while line := _next(source, name):
        number += 1
        if len(line) > LONGEST:
            raise Refused(
                f"Line {number} of {name} is longer than {LONGEST:,} bytes",
                "It is no line of a table: look at its quotes and line ends",
            )
        yield _decoded(line, name, encoding, offset, number)
        offset += len(line)


def _next(source: BinaryIO, name: str) -> bytes:
    try:
        return source.readline(LONGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise Refused(f"{name} cannot be unpacked or read: {error}", "Deliver the file again") from error


def _decoded(line: bytes, name: str, encoding: str, offset: int, number: int) -> str:
    if offset == 0:
        if line[:2] in _BOMS:
            raise Refused(f"{name} is written in {_BOMS[line[:2]]}", "Export it as UTF-8")
        line = line.removeprefix(codecs.BOM_UTF8)
    if b"\0" in line:
        raise Refused(f"Line {number} of {name} holds a NUL byte", "It is no text file: export it again, as UTF-8")
    try:
        return line.decode(encoding)
    except UnicodeDecodeError as error:
        raise Refused(
            f"Byte {offset + error.start + 1:,} of {name} (line {number}) is no {encoding}",
            "Declare the file's own encoding in the mapping (files.encoding, for example latin-1)",
        ) from error
