"""What follows from the checks of raw nights: those that passed are remembered, the others are set aside.

A night that is published with lines keeps them: its bad delivery is set aside too, and the run ends there.
"""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

from include.errors import Refused
from include.features.tables import COMPLETE
from include.parquet import write_canonical
from include.quality import profiles
from include.sources.source import EVENTS
from include.store.objects import Store
from include.store.partitions import find_manifest
from include.store.quarantine import delivered, put_back, release, set_aside

AGAIN = "Correct the source and run build_features for {night} again"


def settle(store: Store, found: Mapping[dt.date, profiles.Profile], quarantined: Mapping[str, list[str]], folder: Path) -> None:
    """Set nights aside or let them pass, oldest first. Doing it again changes nothing.

    Args:
        found: profiles of all nights that were looked at.
        quarantined: what is wrong, by night; a night whose lines come late, after they were accepted, is among them.
        folder: where the empty file is written.

    Raises:
        Refused: a night that must be set aside is published with lines; it stays as it is.
    """
    empty = write_canonical(EVENTS.empty_table(), folder / "empty.parquet")
    standing = []
    for night, profile in found.items():
        if why := quarantined.get(str(night)):
            passed = profiles.events_that_passed(store, night) if _has_lines(store, night) else None
            set_aside(store, night, empty, why)
            if passed:
                put_back(store, night, passed)
                standing.append((night, why))
        else:
            release(store, night)
            profiles.keep(store, night, profile, delivered(store, night))
    if standing:
        night, why = standing[0]
        raise Refused(f"{why[0]}; night {night} stays as it was published", AGAIN.format(night=night))


def _has_lines(store: Store, night: dt.date) -> bool:
    published = find_manifest(store, COMPLETE, night)
    return bool(published and published.meta["rows"]["household_product"])
