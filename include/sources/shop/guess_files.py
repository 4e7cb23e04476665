"""What can be guessed of a shop's files before a column has a meaning: kind, days in names, encoding, delimiter, header."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from include.errors import Refused
from include.sources.shop.delivered import named_day
from include.sources.shop.lines_of_text import LONGEST, text_lines
from include.sources.shop.mapping import Files
from include.sources.shop.places import File, Place
from include.sources.shop.rows import read_header
from include.words import counted

KINDS = {
    "csv": ("*.csv", "*.csv.gz", "*.tsv", "*.txt"),
    "jsonl": ("*.jsonl", "*.ndjson", "*.jsonl.gz", "*.json"),
    "parquet": ("*.parquet",),
}
DATES = ((r"\d{4}-\d{2}-\d{2}", "%Y-%m-%d"), (r"\d{4}_\d{2}_\d{2}", "%Y_%m_%d"), (r"(?<!\d)\d{8}(?!\d)", "%Y%m%d"))
LINES = 2_000
Value = str | bool | list[str] | None


@dataclass
class Guess:
    """What was found: values by the names of the template, and the sentences to say."""

    found: dict[str, Value] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    def take(self, name: str, value: Value, why: str) -> None:
        self.found[name] = value
        self.said.append(f"{name}: {why}")


def find_files(place: Place, out: Guess) -> list[File]:
    """All data files of the most likely kind. Raises Refused when there are none."""
    for kind, patterns in KINDS.items():
        for pattern in patterns:
            if files := place.files(pattern):
                out.take("files.kind", kind, f"{kind}, because of {counted(len(files), 'file')} {pattern}")
                out.found["files.names"] = pattern
                _named_days(files, out)
                return files
    raise Refused(f"There are no data files in {place.where}", "Give a folder with .csv, .jsonl or .parquet files")


def _named_days(files: Sequence[File], out: Guess) -> None:
    for pattern, form in DATES:
        match = re.search(pattern, files[0].name)
        if match is None:
            continue
        before, after = (part.replace("%", "%%") for part in (files[0].name[: match.start()], files[0].name[match.end() :]))
        try:
            days = [named_day(file.name, before + form + after) for file in files]
        except Refused:
            continue
        if len(set(days)) == len(days):
            out.take("files.date", before + form + after, f"{before + form + after}, each name holds its day")
            return


def form_of(place: Place, file: File, out: Guess) -> Files:
    """Encoding and delimiter of a text file, from its first line."""
    kind = out.found["files.kind"]
    if kind != "csv":
        return Files.model_validate({"kind": kind})
    encoding = _encoding(place, file)
    if encoding != "utf-8":
        out.take("files.encoding", encoding, f"{encoding}, because {file.name} is no UTF-8; look at its letters with accents")
    with place.open(file) as opened:
        line = "".join(islice(_decoded(opened, file, encoding), 1))
    delimiter = max(",;\t|", key=line.count)
    if delimiter != ",":
        out.take("files.delimiter", delimiter, f"{delimiter!r}, the most frequent mark of the header")
    return Files.model_validate({"kind": kind, "encoding": encoding, "delimiter": delimiter})


def _encoding(place: Place, file: File) -> str:
    with place.open(file) as opened:
        try:
            for _ in islice(_decoded(opened, file, "utf-8"), LINES):
                pass
        except Refused as error:
            if "is no utf-8" in error.what:
                return "cp1252"
            raise
    return "utf-8"


def _decoded(opened: Any, file: File, encoding: str) -> Iterator[str]:
    return text_lines(opened, file.name, encoding)


def header_of(place: Place, file: File, files: Files) -> list[str]:
    """Names of the columns. Raises Refused when there are none."""
    with place.open(file) as opened:
        header = read_header(opened, file.name, files)
    if not header or sum(map(len, header)) > LONGEST // 10:
        raise Refused(f"{file.name} has no header", "Each file begins with the names of its columns")
    return header
