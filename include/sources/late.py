"""The ledger of late lines: which nights delivered lines of earlier business days, and how large a share of a day came late.

The manifest of a night's events holds it (`late`: lines by business day), so it lies with the lines that it counts.
"""

import datetime as dt
from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from include.errors import Refused
from include.nights import span
from include.store.manifest import Manifest
from include.store.objects import Store
from include.store.partitions import find_manifest

LINE = ("day", "basket", "product")
"""What makes two deliveries the same line. A receipt number that comes again on another day is another basket."""


def late_lines(events: pa.Table, night: dt.date) -> dict[str, int]:
    """Lines by earlier business day of what a night delivered.

    Raises:
        Refused: a line lies on a later day: it cannot have been known.
    """
    counts = {item["values"]: item["counts"] for item in events["day"].value_counts().to_pylist()}
    future = sum(count for day, count in counts.items() if day is not None and day > night)
    if future:
        raise Refused(
            f"{future} of {events.num_rows} lines that night {night} delivered are of later days, so nothing is landed",
            "Correct the times, the time zone, or the name of the file that holds them",
        )
    return {str(day): count for day, count in sorted(counts.items(), key=str) if day is not None and day < night}


def late_of(manifest: Manifest | None) -> dict[str, int]:
    """The ledger of one night of events; of one that was set aside nothing counts."""
    return manifest.meta.get("late", {}) if manifest and manifest.rows else {}


def late_shares(store: Store, days: Iterable[str], last: dt.date) -> dict[str, float]:
    """The share of each of these business days' lines that came late, up to a night: corrections count as late lines."""
    days = sorted(days)
    if not days:
        return {}
    found = {night: find_manifest(store, "events", night) for night in span(dt.date.fromisoformat(days[0]), last)}
    shares = {}
    for day in days:
        first = found.get(dt.date.fromisoformat(day))
        on_time = first.rows - sum(late_of(first).values()) if first else 0
        late = sum(late_of(manifest).get(day, 0) for manifest in found.values())
        shares[day] = late / max(on_time + late, 1)
    return shares


def on_time(events: pa.Table) -> pa.Table:
    """Lines of the very day of the night that delivered them."""
    return events.filter(pc.equal(events["day"], events["known"]))


def in_force(events: pa.Table, late: pa.Table | None = None) -> pa.Table:
    """The lines that count among those that some nights delivered: of one day, basket and product, what was known last.

    Args:
        late: the late lines of all these nights, when `events` are not all of their lines.
    """
    late = events.filter(pc.less(events["day"], events["known"])) if late is None else late
    if not late.num_rows:
        return events
    newest = late.group_by(list(LINE)).aggregate([("known", "max")])
    joined = events.select([*LINE, "known"]).append_column("row", pa.array(range(events.num_rows), pa.int64()))
    joined = joined.join(newest, list(LINE)).sort_by("row")
    return events.filter(pc.fill_null(pc.equal(joined["known"], joined["known_max"]), True))
