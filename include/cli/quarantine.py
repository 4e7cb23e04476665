"""Nights whose events were set aside: what `nightfill status` says of them, and `nightfill accept`."""

import argparse
import datetime as dt
import time
from collections.abc import Mapping

from include.cli import stack
from include.cli.by_hand import agreed, follow, who
from include.nights import parse
from include.settings import Settings
from include.store import quarantine
from include.store.objects import open_store
from include.store.partitions import list_nights


def told(found: Mapping[dt.date, list[str]]) -> list[str]:
    """A sentence a quarantined night."""
    return [f"QUARANTINED: night {night} goes on without its events: {'; '.join(why)}" for night, why in found.items()]


def accept(settings: Settings, args: argparse.Namespace) -> int:
    """Record that a person takes a quarantined night's events as they are, and run the night again where that is enough."""
    store, night = open_store(settings.store_uri), parse(args.night)
    why = quarantine.quarantined(store).get(night, [])
    said = "\n".join([f"The events of {night} were set aside:", *why, "They will count as they are."])
    if not agreed(args, said):
        return 0
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    record = quarantine.accept(store, night, args.why, who(), at, list_nights(store, "features"))
    if record["into"] != str(night):
        print(f"Later nights stand on {night} as it is, so its lines come late: with night {record['into']}.")
        return 0
    if not stack.is_up(settings):
        print(f"Run build_features for {night} again: ./nightfill start, then ./nightfill backfill {night} {night} --again")
        return 0
    return follow(stack.client(settings), "build_features", {"start": str(night), "end": str(night)})
