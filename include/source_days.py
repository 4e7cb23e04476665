"""First and last data day of a source, known without reading a line of it: schedules and plans start from them."""

import datetime as dt

from include.errors import Refused
from include.nights import parse
from include.settings import SourceSpec

ENDS = {"complete_journey": ("2017-01-01", "2017-12-31")}
"""The sources that come with Nightfill; any other says its days in its spec (`nightfill shop run` writes them there)."""


def data_days(source: SourceSpec) -> tuple[dt.date, dt.date]:
    """First and last day of the data, not narrowed for a source that comes with Nightfill.

    Raises:
        Refused: nobody has said them.
    """
    first, last = ENDS.get(source.name, (source.first, source.last))
    if not (first and last):
        raise Refused(
            f"The days of source '{source.name}' are not known", "Start it with `nightfill shop run`, which looks for them"
        )
    return parse(first), parse(last)
