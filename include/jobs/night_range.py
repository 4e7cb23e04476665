"""What the jobs of build_features have in common: a range of nights, and a folder of the run's own."""

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

from include import nights
from include.errors import Refused
from include.jobs.frame import Job

if TYPE_CHECKING:
    from include.sources.source import Source


class NightRangeJob(Job):
    """A job over the nights first to last, both included; one night is a range of one."""

    first: str
    last: str = ""
    work: Path

    def nights(self) -> list[dt.date]:
        """The nights asked for.

        Raises:
            Refused: a date is malformed, or last lies before first.
        """
        first = nights.parse(self.first)
        last = nights.parse(self.last) if self.last else first
        if last < first:
            raise Refused(f"The range ends on {last}, before it begins on {first}", "Give first and last in order")
        return nights.span(first, last)

    def nights_within(self, source: "Source") -> list[dt.date]:
        """The nights asked for, all of which the source must hold.

        Raises:
            Refused: a night is outside the data.
        """
        asked = self.nights()
        first, last = source.days()
        for night in (asked[0], asked[-1]):
            if not first <= night <= last:
                raise Refused(
                    f"Night {night} is outside the data, which runs from {first} to {last}", "Choose nights within the data"
                )
        return asked
