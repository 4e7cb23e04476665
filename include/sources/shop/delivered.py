"""What one file delivered, in the compact form that is kept; and the files of a place, seen to be each other's complement."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from include.errors import Refused
from include.sources.shop.catalogue import words_of
from include.sources.shop.lines import LINES, Reader
from include.sources.shop.mapping import Files, Mapping
from include.sources.shop.places import File, Place
from include.sources.shop.reasons import Tally
from include.sources.shop.rows import first_rows, read_kinds, read_rows
from include.sources.source import EVENTS

KEYS = ("household", "basket", "product", "day", "known")
SUMS = ("quantity", "cents", "discount_cents")
TWICE = "Remove one of them; if a day's lines lie in several files on purpose, say `shared_days: true` in the mapping"


@dataclass(frozen=True)
class Delivered:
    """One file: EVENTS (one line a basket and product), the words of its products, and what was on promotion where.

    `columns` are those of the mapping, with their kinds; none of an empty file.
    """

    events: pa.Table
    words: pa.Table
    promoted: pa.Table
    tally: Tally
    columns: dict[str, str]

    @property
    def days(self) -> list[dt.date]:
        """The nights that the file delivers; late lines of earlier days belong to the night of the file."""
        return sorted(self.events["known"].unique().to_pylist())


def list_files(place: Place, files: Files) -> dict[File, dt.date | None]:
    """The files by name, each with the day that its name says.

    Raises:
        Refused: there is none; a name does not have the declared form; two have the same bytes or the same day.
    """
    found = place.files(files.pattern)
    if not found:
        raise Refused(f"No file in {place.where} is called {files.pattern}", "Correct files.names in the mapping")
    days = {file: named_day(file.name, files.date) for file in found}
    _refuse_same_bytes(place, found)
    if files.date and not files.shared_days:
        first: dict[dt.date | None, str] = {}
        for file, day in days.items():
            if day in first:
                raise Refused(f"Day {day} is delivered twice: by {first[day]} and by {file.name}", TWICE)
            first[day] = file.name
    return days


def named_day(name: str, form: str) -> dt.date | None:
    """The day in a file's name. Raises Refused when the name does not have the form."""
    if not form:
        return None
    try:
        return dt.datetime.strptime(name, form).date()
    except ValueError:
        raise Refused(
            f"The file name {name} does not have the form '{form}'", "Correct files.date, or narrow files.names in the mapping"
        ) from None


def _refuse_same_bytes(place: Place, files: Sequence[File]) -> None:
    by_size: dict[int, list[File]] = {}
    for file in files:
        by_size.setdefault(file.size, []).append(file)
    for alike in by_size.values():
        seen: dict[str, str] = {}
        for file in alike if len(alike) > 1 and alike[0].size > 200 else []:
            other = seen.setdefault(place.mark(file), file.name)
            if other != file.name:
                raise Refused(f"{other} and {file.name} hold the same bytes", "Remove one of them: a day would count twice")


def read_file(place: Place, file: File, day: dt.date | None, mapping: Mapping, limit: int = 0) -> Delivered:
    """Read one file, piece by piece; with a limit, its first lines. Raises Refused as `read_rows` and `Reader` do."""
    reader = Reader(mapping, file.name, day)
    with place.open(file) as opened:
        columns = read_kinds(opened, file.name, mapping.files, mapping.columns)
        rows = first_rows(read_rows(opened, file.name, mapping.files, mapping.columns), limit)
        parts = [_compact(reader.read(piece)) for piece in rows]
    events, words, promoted = (
        pa.concat_tables(tables) for tables in zip(*(parts or [_compact(LINES.empty_table())]), strict=True)
    )
    return Delivered(merged(events) if len(parts) > 1 else events, words, promoted, reader.tally, columns)


def _compact(lines: pa.Table) -> tuple[pa.Table, pa.Table, pa.Table]:
    shown = lines.filter(lines["promoted"]).select(["day", "known", "product", "store"])
    return (
        merged(lines.select(EVENTS.names)),
        words_of(lines),
        shown.group_by(["day", "known", "product", "store"], use_threads=False).aggregate([]),
    )


def merged(events: pa.Table) -> pa.Table:
    """EVENTS with what one night delivers of one basket and product added up, sorted by (at, basket, product, household)."""
    sums = [(name, "sum") for name in SUMS]
    rows = events.group_by(list(KEYS), use_threads=False).aggregate([*sums, ("at", "min"), ("store", "min")])
    rows = rows.rename_columns({f"{name}_sum": name for name in SUMS} | {"at_min": "at", "store_min": "store"})
    if rows.num_rows and (pc.max(pc.abs(rows["quantity"])).as_py() or 0) >= 2**31:
        raise Refused("A basket holds more than 2,147,483,647 of one product", "Correct the data")
    order = [(name, "ascending") for name in ("at", "basket", "product", "household")]
    return rows.select(EVENTS.names).cast(EVENTS).sort_by(order).combine_chunks()
