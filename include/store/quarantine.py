"""Nights whose events were set aside: what was delivered is kept, and in its place the night has no lines.

The bytes stay under the dataset `quarantine`; the dataset `events`, from which features are made, holds an empty file with the
same inputs, so that landing the same delivery again changes nothing. A person releases the night: by another delivery, or by
accepting this one, which is recorded under accepted/<night>.json and holds for these very bytes. While no later night is
published, an accepted night gets its lines when it is run again. Otherwise they come late: with the next night that lands.
"""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from include.errors import Refused
from include.store.document import pack, unpack
from include.store.manifest import Manifest, add_files, swap_in
from include.store.objects import Missing, Store
from include.store.partitions import drop, find_manifest, list_nights, manifest_key, read_manifest, remember_nights

EVENTS, ASIDE = "events", "quarantine"
EMPTY = "quarantined"
WHY = "why"
RELEASED = "released"
"""In the meta of a night of events: the earlier nights whose accepted lines it delivered late."""


def delivered(store: Store, night: dt.date) -> Manifest:
    """What was landed for a night, whether it was set aside or not. Raises Missing."""
    found = read_manifest(store, EVENTS, night)
    return read_manifest(store, ASIDE, night) if found.meta.get(EMPTY) else found


def set_aside(store: Store, night: dt.date, empty: Path, why: list[str]) -> None:
    """Keep a night's delivery beside, and let the night have no lines. `empty` is a file of events without a row."""
    landed, kept = read_manifest(store, EVENTS, night), delivered(store, night)
    kept = kept.model_copy(update={"name": f"{ASIDE}/{night}", "meta": kept.meta | {WHY: why}})
    swap_in(store, manifest_key(ASIDE, night), kept)
    remember_nights(store, ASIDE, [night])
    files = add_files(store, {file.path: empty for file in landed.files})
    nothing = landed.model_copy(update={"rows": 0, "files": files, "meta": landed.meta | {EMPTY: True}})
    swap_in(store, manifest_key(EVENTS, night), nothing)


def release(store: Store, night: dt.date) -> bool:
    """Let a night have the lines that were delivered; returns whether they had been set aside."""
    kept = find_manifest(store, ASIDE, night)
    if kept is None:
        return False
    if read_manifest(store, EVENTS, night).meta.get(EMPTY):
        meta = {name: value for name, value in kept.meta.items() if name != WHY}
        put_back(store, night, kept.model_copy(update={"name": f"{EVENTS}/{night}", "meta": meta}))
    drop(store, ASIDE, night)
    return True


def put_back(store: Store, night: dt.date, manifest: Manifest) -> None:
    """Let a night have the events that a manifest names."""
    swap_in(store, manifest_key(EVENTS, night), manifest)


def quarantined(store: Store) -> dict[dt.date, list[str]]:
    """The nights whose lines are in no night, oldest first, each with the reasons."""
    found = {night: find_manifest(store, ASIDE, night) for night in list_nights(store, ASIDE)}
    return {
        night: list(manifest.meta.get(WHY, []))
        for night, manifest in found.items()
        if manifest and not _came_late(store, night, manifest)
    }


def released_into(store: Store, night: dt.date) -> list[Manifest]:
    """What was set aside on earlier nights, was accepted, and comes late with this one; oldest first."""
    found = []
    for earlier in list_nights(store, ASIDE):
        manifest = read_manifest(store, ASIDE, earlier)
        known = acceptance(store, earlier, manifest) if earlier < night else None
        if known and known["into"] == str(night):
            found.append(manifest)
    return found


def _came_late(store: Store, night: dt.date, manifest: Manifest) -> bool:
    known = acceptance(store, night, manifest)
    into = find_manifest(store, EVENTS, dt.date.fromisoformat(known["into"])) if known else None
    return into is not None and str(night) in into.meta.get(RELEASED, [])


def accept(store: Store, night: dt.date, reason: str, by: str, at: str, published: Sequence[dt.date]) -> dict[str, Any]:
    """Record that a person accepts what was set aside for a night; returns the record.

    Args:
        published: nights with features. `into` of the record is the night itself, or the next one to land where these go on.

    Raises:
        Refused: nothing is set aside for the night, or the reason says nothing.
    """
    kept = find_manifest(store, ASIDE, night)
    if kept is None:
        raise Refused(f"Night {night} is not quarantined", "`nightfill status` lists the nights that are")
    said = " ".join(reason.split())
    if not 3 <= len(said) <= 250 or not said.isprintable():
        raise Refused("The reason must have 3 to 250 characters", "Say in a few words why these events are right")
    if known := acceptance(store, night, kept):
        return known
    later = any(one > night for one in published)
    into = max(list_nights(store, EVENTS)) + dt.timedelta(days=1) if later else night
    record = {"night": str(night), "bytes": kept.content, "reason": said, "by": by, "at": at, "into": str(into)}
    store.write(_key(night), pack(record | {"against": kept.meta.get(WHY, [])}))
    return record


def acceptance(store: Store, night: dt.date, manifest: Manifest) -> dict[str, Any] | None:
    """The record by which a person accepted this very delivery; None when nobody did."""
    try:
        record = unpack(store.read(_key(night)), _key(night), "an acceptance")
    except Missing:
        return None
    return record if record.get("bytes") == manifest.content else None


def _key(night: dt.date) -> str:
    return f"accepted/{night}.json"
