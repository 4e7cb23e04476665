"""`nightfill shop check`: what a mapping makes of a sample of the files, and whether a night could be built on it."""

import datetime as dt
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from include.errors import Refused
from include.nights import span
from include.sources.landing import UNREAD
from include.sources.shop.delivered import TWICE, Delivered, list_files, read_file
from include.sources.shop.mapping import Mapping
from include.sources.shop.places import File, Place
from include.sources.shop.reasons import BY_RULE, HOUSEHOLD_NEEDED, Tally
from include.words import counted

FEW = 30
"""Households under which no release can be judged."""
FIRST_ROWS = 5
SPREAD = 20
"""Files that a sample is spread over."""


@dataclass
class Look:
    """What was seen. `complete` says that every line of every file was read."""

    mapping: Mapping
    files: dict[File, dt.date | None]
    read: list[Delivered] = field(default_factory=list)
    complete: bool = False
    tally: Tally = field(default_factory=Tally)

    @property
    def events(self) -> pa.Table:
        return pa.concat_tables([one.events for one in self.read])

    @property
    def named_days(self) -> list[dt.date]:
        return sorted(day for day in self.files.values() if day is not None)

    def days(self) -> tuple[dt.date, dt.date] | None:
        """First and last day: of the files' names, or of the lines that were read."""
        days = self.named_days or sorted(day for one in self.read for day in one.days)
        return (days[0], days[-1]) if days else None

    def empty_days(self) -> list[dt.date]:
        """Days without a line that are not declared closed, as far as the sample can tell."""
        ends = self.days()
        if ends is None or not (self.complete or self.named_days):
            return []
        known = {day for one in self.read for day in one.days}
        known |= set() if self.complete else set(self.named_days)
        return [day for day in span(*ends) if day not in known and not self.mapping.closed.holds(day)]

    def words(self) -> int:
        """Products that have a text or a type."""
        told = [
            one.words.filter(pc.is_valid(pc.coalesce(one.words["type"], one.words["text"])))["product"] for one in self.read
        ]
        return len(pc.unique(pa.chunked_array([chunk for column in told for chunk in column.chunks], pa.string())))

    def doubled_baskets(self) -> int:
        """Baskets of a day that belong to more than one household."""
        pairs = self.events.group_by(["day", "basket", "household"]).aggregate([])
        return pairs.num_rows - pairs.group_by(["day", "basket"]).aggregate([]).num_rows


def look(place: Place, mapping: Mapping, lines: int) -> Look:
    """Read a sample: up to `lines` lines spread evenly over the files, 0 for all.

    Raises:
        Refused: what no sample can repair: a missing column, a broken file, a day twice.
    """
    files = list_files(place, mapping.files)
    chosen = list(files) if not lines else _spread(list(files), min(SPREAD, lines))
    found, left, cut = Look(mapping, files), lines, False
    days: dict[dt.date, str] = {}
    for number, file in enumerate(chosen):
        share = -(-left // (len(chosen) - number)) if lines else 0
        one = read_file(place, file, files[file], mapping, limit=share)
        seen = one.tally.kept + sum(one.tally.lost.values())
        cut |= bool(share) and seen >= share
        left -= seen
        _refuse_twice(days, one, file, mapping)
        found.read.append(one)
        found.tally.join(one.tally)
        if lines and left <= 0:
            cut |= number + 1 < len(files)
            break
    found.complete = not cut and len(found.read) == len(files)
    return found


def _refuse_twice(days: dict[dt.date, str], one: Delivered, file: File, mapping: Mapping) -> None:
    for day in one.days if not mapping.files.shared_days else ():
        if (other := days.setdefault(day, file.name)) != file.name:
            raise Refused(f"Day {day} is delivered twice: by {other} and by {file.name}", TWICE)


def _spread(files: list[File], count: int) -> list[File]:
    """`count` of the files, evenly spread, first and last among them."""
    if len(files) <= count:
        return files
    step = (len(files) - 1) / max(count - 1, 1)
    return [files[round(number * step)] for number in range(count)]


def refuse_unusable(found: Look) -> None:
    """Raises Refused when no night could be built, with the first thing to do."""
    tally = found.tally
    total, faults = tally.kept + sum(tally.faults.values()), tally.faults
    todo = "Correct the mapping or the files; `nightfill shop check` shows example lines"
    if found.mapping.rules.without_household == "refuse" and tally.lost[HOUSEHOLD_NEEDED]:
        said = f"{counted(tally.lost[HOUSEHOLD_NEEDED], 'line')} without a household, and the mapping says refuse"
        raise Refused(said, todo)
    if sum(faults.values()) > UNREAD * total:
        worst = max(faults, key=lambda reason: faults[reason])
        raise Refused(
            f"{sum(faults.values()):,} of {total:,} lines cannot be read, more than {UNREAD:.0%}; most of them: {worst}", todo
        )
    if not tally.kept:
        raise Refused("No line is a purchase of a known household", todo)
    if (baskets := found.doubled_baskets()) > 0:
        raise Refused(
            f"{counted(baskets, 'basket')} of more than one household on the same day",
            "Name more columns that make a basket unique, for example basket: [Till, Receipt]",
        )
    if empty := found.empty_days():
        few = ", ".join(str(day) for day in empty[:5]) + (" ..." if len(empty) > 5 else "")
        raise Refused(
            f"{counted(len(empty), 'day')} without a line, and not declared closed: {few}",
            "Deliver them, or declare them in the mapping (closed.weekdays, closed.days)",
        )


def describe(found: Look, where: str) -> str:
    """The whole answer of `nightfill shop check`, without the verdict."""
    parts = [_read_line(found, where), _meanings(found.mapping), _rows(found), _numbers(found), _lost(found), _surfaces(found)]
    return "\n\n".join(part for part in parts if part)


def _read_line(found: Look, where: str) -> str:
    lines = found.tally.kept + sum(found.tally.lost.values())
    whole = "everything" if found.complete else "a sample (--lines 0 reads everything)"
    return f"Read {counted(lines, 'line')} of {len(found.read)} of {counted(len(found.files), 'file')} in {where}: {whole}."


def _meanings(mapping: Mapping) -> str:
    extra = {
        "time": f"{mapping.time.format}, clock of {mapping.time.zone or mapping.zone}, days of {mapping.zone}",
        "price": f"{mapping.price.means}, decimal {mapping.price.decimal}, {mapping.price.currency or 'currency not named'}",
        "query": "shown here only: the search surface learns from the products' texts",
        "promotion": "what was on promotion in the week before",
    }
    rows = [[name, " + ".join(columns), extra.get(name, "")] for name, columns in mapping.meanings.items()]
    if mapping.store is None:
        rows.append(["store", "-", "one store"])
    if mapping.basket is None:
        rows.append(["basket", "-", "what a household buys on a day"])
    return _table(["meaning", "column", "read as"], rows)


def _rows(found: Look) -> str:
    zone = ZoneInfo(found.mapping.zone)
    rows = [
        [
            *(line["household"], line["product"], line["basket"]),
            f"{line['at'].astimezone(zone):%Y-%m-%d %H:%M}",
            *(line["quantity"], f"{line['cents'] / 100:,.2f}"),
        ]
        for line in itertools.islice(_events(found), FIRST_ROWS)
    ]
    head = ["household", "product", "basket", f"when ({zone})", "quantity", f"money {found.mapping.price.currency}".strip()]
    return "First lines as understood:\n" + _table(head, rows) if rows else ""


def _events(found: Look) -> Iterator[dict]:  # type: ignore[type-arg]
    for one in found.read:
        yield from one.events.slice(0, FIRST_ROWS).to_pylist()


def _numbers(found: Look) -> str:
    ends, events = found.days(), found.events
    if ends is None or not events.num_rows:
        return ""
    count = {name: len(events[name].unique()) for name in ("household", "product", "basket")}
    back = pc.sum(pc.less(events["quantity"], 0)).as_py() or 0
    paid = (pc.sum(pc.if_else(pc.greater(events["quantity"], 0), events["cents"], 0)).as_py() or 0) / 100
    lines = [
        f"Period: {ends[0]} to {ends[1]}, {counted((ends[1] - ends[0]).days + 1, 'day')}"
        + ("" if found.complete or found.named_days else " (of the sample)"),
        f"{', '.join(counted(number, name) for name, number in count.items())}, "
        f"{paid:,.2f} {found.mapping.price.currency} sold".replace("  ", " "),
    ]
    if back:
        lines.append(f"{counted(back, 'returned line')} in the raw events, with a negative quantity: nothing bought")
    if late := pc.sum(pc.less(events["day"], events["known"])).as_py():
        lines.append(f"{counted(late, 'line')} of an earlier day than the file: late, known from the file's night on")
    if empty := found.empty_days():
        lines.append(f"{counted(len(empty), 'day')} without a line, and not declared closed: {', '.join(map(str, empty[:5]))}")
    if count["household"] < FEW:
        lines.append(f"Fewer than {FEW} households: a release could never be judged")
    return "\n".join(lines)


def _lost(found: Look) -> str:
    lost, tally = found.tally.lost, found.tally
    if not lost:
        return "No line is rejected."
    rows = [
        [reason, f"{count:,}", "by the mapping" if reason in BY_RULE else "FAULT", ", ".join(tally.examples[reason])]
        for reason, count in lost.most_common()
    ]
    return "Lines that are not landed:\n" + _table(["reason", "lines", "why", "for example"], rows)


def _surfaces(found: Look) -> str:
    words = found.words()
    search = (
        f"possible, {counted(words, 'product')} with a text"
        if words
        else "not possible: no column with texts (text or type) is mapped"
    )
    return f"Surfaces:\n  home    possible\n  search  {search}"


def _table(head: list[str], rows: Sequence[Sequence[object]]) -> str:
    texts = [head, *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[i]) for row in texts) for i in range(len(head))]
    return "\n".join(
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in texts
    )
