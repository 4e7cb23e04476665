"""From a file to rows of text: the columns that the mapping names, in pieces, with line numbers."""

import csv
import difflib
import itertools
import json
import operator
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from include.errors import Refused
from include.sources.contract import columns_of
from include.sources.shop.lines_of_text import LONGEST, text_lines
from include.sources.shop.mapping import Files

PIECE = 50_000
MALFORMED = "another number of fields than the header"
NO_OBJECT = "no JSON object"


@dataclass
class Rows:
    """Texts by column, None for nothing; `lines` are line numbers (row numbers in Parquet); `bad` lines have no row."""

    columns: dict[str, Sequence[Any]]
    lines: Sequence[int]
    bad: list[tuple[int, str]] = field(default_factory=list)


def read_rows(file: BinaryIO, name: str, files: Files, columns: Sequence[str]) -> Iterator[Rows]:
    """The rows of one file.

    Raises:
        Refused: the file is damaged, or lacks a column.
    """
    if files.kind == "parquet":
        return _parquet(file, name, columns)
    lines = text_lines(file, name, files.encoding)
    return _csv(lines, name, files, columns) if files.kind == "csv" else _json(lines, name, columns)


def read_header(file: BinaryIO, name: str, files: Files) -> list[str]:
    """Names of all columns: of the header, of the schema, or of the first JSON lines."""
    if files.kind == "parquet":
        return list(_open(file, name).schema_arrow.names)
    lines = text_lines(file, name, files.encoding)
    if files.kind == "csv":
        return _header(_reader(lines, files), name)
    names: dict[str, None] = {}
    for line in itertools.islice((line for line in lines if line.strip()), 100):
        names |= dict.fromkeys(flat(_object(line) or {}))
    return list(names)


def read_kinds(file: BinaryIO, name: str, files: Files, columns: Sequence[str]) -> dict[str, str]:
    """The kinds of those of these columns that a file has; in a file of text lines all are text. Goes back to its begin."""
    if files.kind != "parquet":
        return dict.fromkeys(columns, "text") if file.read(1) and not file.seek(0) else {}
    found = columns_of(_open(file, name).schema_arrow)
    file.seek(0)
    return {column: found[column] for column in columns if column in found}


def refuse_missing(name: str, have: Sequence[str], wanted: Iterable[str]) -> None:
    """Raises Refused when a wanted column is not there, with the nearest name that is."""
    for column in wanted:
        if column not in have:
            near = difflib.get_close_matches(column, have, 1, 0.6)
            hint = f"did you mean '{near[0]}'?" if near else f"it has {', '.join(have)[:300]}"
            raise Refused(
                f"{name} has no column '{column}'; {hint}", "Correct the mapping, or deliver the file with that column"
            )


def _reader(lines: Iterator[str], files: Files) -> Any:
    csv.field_size_limit(LONGEST)
    if not files.quote:
        return csv.reader(lines, delimiter=files.delimiter, quoting=csv.QUOTE_NONE)
    return csv.reader(lines, delimiter=files.delimiter, quotechar=files.quote, strict=True)


def _header(reader: Any, name: str) -> list[str]:
    try:
        header = [column.strip() for column in next(reader, [])]
    except csv.Error as error:
        raise Refused(f"The header of {name} cannot be read: {error}", "Look at its quotes and the delimiter") from error
    doubled = {column for column in header if header.count(column) > 1}
    if doubled:
        raise Refused(f"The header of {name} names '{min(doubled)}' more than once", "Give each column a name of its own")
    return header


def _csv(lines: Iterator[str], name: str, files: Files, columns: Sequence[str]) -> Iterator[Rows]:
    reader = _reader(lines, files)
    header = _header(reader, name)
    if not header:
        return
    refuse_missing(name, header, columns)
    pick = _picker([header.index(column) for column in columns])
    taken = PIECE
    while taken == PIECE:
        rows, numbers, bad = [], [], []
        taken, begun = 0, reader.line_num
        try:
            for row in itertools.islice(reader, PIECE):
                taken, begun = taken + 1, reader.line_num
                if len(row) == len(header):
                    rows.append(pick(row))
                    numbers.append(begun)
                elif row:
                    bad.append((begun, MALFORMED))
        except csv.Error as error:
            raise Refused(
                f"The record that begins on line {begun + 1} of {name} cannot be read: {error}",
                "A quote is opened and not closed there, or stands within a quoted text and is not doubled",
            ) from error
        if rows or bad:
            yield Rows(dict(zip(columns, zip(*rows, strict=True), strict=True)) if rows else _none(columns), numbers, bad)


def _picker(places: list[int]) -> Any:
    return operator.itemgetter(*places) if len(places) > 1 else lambda row: (row[places[0]],)


def _none(columns: Sequence[str]) -> dict[str, Sequence[Any]]:
    return dict.fromkeys(columns, ())


def _json(lines: Iterator[str], name: str, columns: Sequence[str]) -> Iterator[Rows]:
    numbered = ((number, line) for number, line in enumerate(lines, 1) if line.strip())
    known: set[str] = set()
    while piece := list(itertools.islice(numbered, PIECE)):
        found = [(number, _object(line)) for number, line in piece]
        good = [(number, flat(value)) for number, value in found if value is not None]
        known.update(*(value.keys() for _, value in good))
        yield Rows(
            {column: [value.get(column) for _, value in good] for column in columns},
            [number for number, _ in good],
            [(number, NO_OBJECT) for number, value in found if value is None],
        )
    if known:
        refuse_missing(name, sorted(known), columns)


def _object(line: str) -> dict[str, Any] | None:
    try:
        value = json.loads(line, parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def flat(value: dict[str, Any], before: str = "") -> dict[str, str | None]:
    """An object's values as texts; those of an object within it are called `outer.inner`. Lists are left out."""
    found: dict[str, str | None] = {}
    for key, inner in value.items():
        if isinstance(inner, dict):
            found |= flat(inner, f"{before}{key}.")
        elif isinstance(inner, bool):
            found[f"{before}{key}"] = "true" if inner else "false"
        elif inner is None or isinstance(inner, str):
            found[f"{before}{key}"] = inner
    return found


def _open(file: BinaryIO, name: str) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(file)
    except (OSError, pa.ArrowException) as error:
        raise Refused(f"{name} is no Parquet file: {str(error)[:200]}", "Deliver the file again") from error


def first_rows(pieces: Iterator[Rows], limit: int) -> Iterator[Rows]:
    """Pieces up to `limit` rows; 0 for all."""
    left = limit
    for rows in pieces:
        if not limit or len(rows.lines) < left:
            left -= len(rows.lines)
            yield rows
            continue
        yield Rows({name: values[:left] for name, values in rows.columns.items()}, rows.lines[:left], rows.bad[:left])
        return


def _parquet(file: BinaryIO, name: str, columns: Sequence[str]) -> Iterator[Rows]:
    opened, number = _open(file, name), 1
    refuse_missing(name, opened.schema_arrow.names, columns)
    try:
        for batch in opened.iter_batches(PIECE, columns=list(columns)):
            texts: dict[str, Sequence[Any]] = {column: _texts(batch[column], name, column) for column in columns}
            yield Rows(texts, range(number, number + batch.num_rows))
            number += batch.num_rows
    except (OSError, pa.ArrowException) as error:
        raise Refused(f"{name} cannot be read: {str(error)[:200]}", "Deliver the file again") from error


def _texts(column: pa.Array, name: str, title: str) -> list[str | None]:
    """Values as texts: whole floats without a point (ids that passed through pandas), moments in ISO form."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if pa.types.is_nested(kind) or pa.types.is_binary(kind):
        raise Refused(f"Column {title} of {name} holds {kind}", "Deliver it as text, number or time")
    texts = column.cast(pa.string()).to_pylist()
    if pa.types.is_floating(kind):
        return [text.removesuffix(".0") if text else None for text in texts]
    return texts
