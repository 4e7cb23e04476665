"""A shop's own files as a `Source`, read as its mapping says. A file is read once, piece by piece, and kept in compact form."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from include import nights
from include.canonical import digest
from include.errors import Refused
from include.settings import SourceSpec
from include.sources.contract import Columns, Contract
from include.sources.extras import Plan
from include.sources.sample import keep_households
from include.sources.shop.catalogue import Catalogue, goods
from include.sources.shop.contract import contract_of
from include.sources.shop.delivered import TWICE, Delivered, list_files, merged, read_file
from include.sources.shop.mapping_file import read_mapping
from include.sources.shop.places import File, open_place
from include.sources.shop.reasons import HOUSEHOLD_NEEDED, Tally
from include.sources.source import EVENTS, PROMOTIONS, Unread, Usual

WEEK = dt.timedelta(days=7)


class Shop:
    """Events, catalogue and promotions of the files in `spec.folder`, by the mapping file `spec.mapping`.

    Raises:
        Refused: folder or mapping are missing or wrong.
    """

    name = "shop"
    extras: tuple[str, ...] = ()

    def __init__(self, spec: SourceSpec) -> None:
        if not spec.folder or not spec.mapping:
            raise Refused("A shop of one's own needs the folder of its files and a mapping file", "Use `nightfill shop run`")
        self.spec = spec
        self.mapping = read_mapping(Path(spec.mapping))
        self.place = open_place(spec.folder)
        self.usual = Usual(self.mapping.usual.quantity, self.mapping.usual.line * 100, self.mapping.zone)
        self._read: dict[File, Delivered] = {}
        self._whose: dict[dt.date, File] = {}

    @cached_property
    def files(self) -> dict[File, dt.date | None]:
        """All files, each with the day that its name says."""
        return list_files(self.place, self.mapping.files)

    def days(self) -> tuple[dt.date, dt.date]:
        first, last = self.spec.first, self.spec.last
        if first and last:
            return nights.parse(first), nights.parse(last)
        ends = self._ends
        return max(ends[0], nights.parse(first)) if first else ends[0], min(ends[1], nights.parse(last)) if last else ends[1]

    def closed(self, day: dt.date) -> bool:
        return self.mapping.closed.holds(day)

    def digest(self, part: str) -> str:
        files = {file.name: self.place.mark(file) for file in self.files}
        kept = {"households": self.spec.households} if self.spec.households else {}
        return digest({"part": part, "mapping": self.mapping.model_dump(mode="json"), "files": files, **kept})

    def contract(self, dataset: str) -> Contract:
        return contract_of(self.mapping, dataset)

    def delivered(self, dataset: str, first: dt.date, last: dt.date) -> Mapping[str, Columns]:
        return {file.name: columns for file in self._files_of(first, last) if (columns := self.read(file).columns)}

    def read_events(self, first: dt.date, last: dt.date) -> pa.Table:
        parts = [self._within(self.read(file).events, first, last) for file in self._files_of(first, last)]
        table = pa.concat_tables(parts) if parts else EVENTS.empty_table()
        if self.spec.households is not None:
            table = table.filter(pc.is_in(table["household"], value_set=self._sample))
        return merged(table)

    def unread(self, first: dt.date, last: dt.date) -> Unread:
        tally = self.tally(self._files_of(first, last))
        return Unread(
            tally.kept + sum(tally.faults.values()),
            {f"are refused: {reason}": count for reason, count in tally.faults.items()},
        )

    def catalogue(self, day: dt.date) -> pa.Table:
        return self._catalogue.as_of(day)

    def products(self, day: dt.date) -> pa.Table | None:
        return self.catalogue(day) if self._catalogue.changed(day) or day == self.days()[0] else None

    def promotions(self, weeks: Sequence[dt.date]) -> Iterator[Plan]:
        """What was sold on promotion in the seven days before each Monday: all that lines can say of the week to come."""
        for monday in weeks if self.mapping.promotion else ():
            first, last = monday - WEEK, monday - dt.timedelta(days=1)
            files = self._files_of(first, last)
            shown = pa.concat_tables([self._within(self.read(file).promoted, first, last) for file in files] or [_NOBODY])
            shown = shown.filter(pc.greater_equal(shown["day"], pa.scalar(first, pa.date32())))
            stores = len(self.read_events(first, last)["store"].unique())
            if shown.num_rows:
                yield Plan(monday, _plan(shown, monday, stores))

    def known(self, dataset: str, nights: Sequence[dt.date]) -> Iterator[tuple[dt.date, pa.Table]]:
        yield from ()

    def read(self, file: File) -> Delivered:
        """What one file holds. Raises Refused when another file holds a day of it."""
        if file not in self._read:
            found = read_file(self.place, file, self.files[file], self.mapping)
            if found.tally.lost[HOUSEHOLD_NEEDED]:
                where = ", ".join(found.tally.examples[HOUSEHOLD_NEEDED])
                raise Refused(
                    f"Lines have no household ({where}), and the mapping says refuse", "Correct the data or the mapping"
                )
            self._claim_days(file, found)
            self._read[file] = found
        return self._read[file]

    def tally(self, files: Sequence[File]) -> Tally:
        """Lines kept and lost in some files."""
        total = Tally()
        for file in files:
            total.join(self.read(file).tally)
        return total

    def _claim_days(self, file: File, found: Delivered) -> None:
        for day in found.days if not self.mapping.files.shared_days else ():
            if (other := self._whose.setdefault(day, file)) != file:
                raise Refused(f"Day {day} is delivered twice: by {other.name} and by {file.name}", TWICE)

    def _files_of(self, first: dt.date, last: dt.date) -> list[File]:
        """Files that may hold lines of these days: by their names, or all of them."""
        slack = dt.timedelta(days=int(self.mapping.files.shared_days))
        return [file for file, day in self.files.items() if day is None or first - slack <= day <= last + slack]

    @staticmethod
    def _within(table: pa.Table, first: dt.date, last: dt.date) -> pa.Table:
        """Rows that these nights delivered."""
        low, high = pa.scalar(first, pa.date32()), pa.scalar(last, pa.date32())
        return table.filter(pc.and_(pc.greater_equal(table["known"], low), pc.less_equal(table["known"], high)))

    @cached_property
    def _ends(self) -> tuple[dt.date, dt.date]:
        named = [day for day in self.files.values() if day is not None]
        days = named or [day for file in self.files for day in self.read(file).days]
        if not days:
            raise Refused(f"The files in {self.place.where} hold no purchase", "Look at `nightfill shop check`")
        return min(days), max(days)

    @cached_property
    def _sample(self) -> pa.Array:
        names = {name for file in self.files for name in self.read(file).events["household"].unique().to_pylist()}
        return pa.array(keep_households(names, self.spec.households or len(names)), pa.string())

    @cached_property
    def _catalogue(self) -> Catalogue:
        """Made of all files; what it says of a day comes from lines up to that day."""
        words = [self.read(file).words for file in self.files]
        return Catalogue(words, goods(self.mapping.rules.not_merchandise))


_NOBODY = pa.schema(
    [("day", pa.date32()), ("known", pa.date32()), ("product", pa.string()), ("store", pa.string())]
).empty_table()


def _plan(shown: pa.Table, monday: dt.date, stores: int) -> pa.Table:
    counted = shown.group_by("product").aggregate([("store", "count_distinct")]).sort_by("product")
    size = counted.num_rows
    columns = {
        "product": counted["product"],
        "week_start": pa.array([monday] * size, pa.date32()),
        "display_stores": counted["store_count_distinct"].cast(pa.int32()),
        "mailer_stores": pa.array([0] * size, pa.int32()),
        "stores": pa.array([stores] * size, pa.int32()),
    }
    return pa.table(columns, schema=PROMOTIONS)
