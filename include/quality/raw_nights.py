"""The nights of a range, each read once and held against the nights before it that passed."""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from include.features.chain import catalogue_night
from include.features.holidays import country_of, holidays
from include.parquet import read_small
from include.quality import profiles
from include.quality.check import WARN, Check
from include.quality.drift import compare, weeks_before
from include.quality.lines import Lines
from include.quality.raw_profile import profile_lines, read_lines
from include.quality.shape import LANDED
from include.sources.calendar import midnights
from include.sources.source import Usual
from include.store.objects import Store
from include.store.partitions import fetch, find_manifest
from include.store.quarantine import acceptance, delivered

HOURS = 24 * 3_600_000_000


class RawNights:
    """What was landed for nights, and how they compare.

    Args:
        usual: what is not odd in this shop.
        closed: whether the shop has no business on a day.
    """

    def __init__(self, store: Store, usual: Usual, closed: Callable[[dt.date], bool]) -> None:
        self.store, self.usual, self.closed = store, usual, closed
        self.accepted: dict[dt.date, dict[str, Any]] = {}
        self.profiles: dict[dt.date, profiles.Profile] = {}
        self._catalogue: tuple[dt.date, Any] | None = None

    def lines(self, night: dt.date) -> Lines:
        """The lines of a night, set aside or not. Raises Missing, Damaged, Refused."""
        (file,) = delivered(self.store, night).files
        return read_lines(self.store.fetch(file.sha256), night, self._products(night), self.usual)

    def compared(self, nights: Sequence[dt.date], checks: Sequence[Check]) -> Iterator[dict[str, Any]]:
        """One row of numbers a night, oldest first. A night that breaks a check is not what later ones are held against."""
        grave = [check for check in checks if check.severity != WARN]
        past = profiles.find(self.store, sorted({day for night in nights for day in weeks_before(night)} - {*nights}))
        for night in nights:
            profile = self.profiles[night] = profile_lines(self.lines(night))
            earlier = [past[day] for day in weeks_before(night) if day in past]
            compared = compare(profile, earlier, self._special(night), self.closed(night))
            row = profile | compared | self._day(night, profile["rows_on_time"]) | self._beside(night)
            known = acceptance(self.store, night, delivered(self.store, night))
            self.accepted |= {night: known} if known else {}
            if known or not any(check.broken(row) for check in grave):
                past[night] = profile
            yield row

    def _beside(self, night: dt.date) -> dict[str, int | None]:
        """Counts of the catalogue and the plan that came with a night; null where none did."""
        found: dict[str, int | None] = {check.column: None for shape in LANDED for check in shape.checks(WARN, "")}
        for shape in LANDED:
            if manifest := find_manifest(self.store, shape.dataset, night):
                found |= shape.counts(read_small(self.store.fetch(manifest.files[0].sha256)), night)
        return found

    def _products(self, night: dt.date) -> Any:
        known = catalogue_night(self.store, night)
        if self._catalogue is None or self._catalogue[0] != known:
            self._catalogue = known, read_small(fetch(self.store, "products", [known])[0])
        return self._catalogue[1]

    def _special(self, night: dt.date) -> bool:
        """Whether the night or a neighbour is a public holiday where the shop's clock runs."""
        days = [night + dt.timedelta(days=offset) for offset in (-1, 0, 1)]
        return any(day in holidays(day.year, country_of(self.usual.zone)) for day in days)

    def _day(self, night: dt.date, rows: int) -> dict[str, int]:
        begins, ends = midnights(self.usual.zone, night, night)
        shut = self.closed(night)
        empty, odd = int(not rows and not shut), int(rows) if shut else 0
        return {"missing_day": empty, "open_closed": odd, "clock_change": int(ends - begins != HOURS)}
