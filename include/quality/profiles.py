"""The profiles of nights that passed, kept in the store: what later nights are held against, without reading old lines again.

profiles/events/<night>.json

Beside the numbers it has the manifest of the events that passed, by which a bad delivery of a published night is undone. That
keeps their bytes from a clean-up: between a delivery and its checks nothing else may name them.
"""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from include.store.document import pack, unpack
from include.store.manifest import Manifest
from include.store.many import each
from include.store.objects import Missing, Store

Profile = dict[str, Any]


def keep(store: Store, night: dt.date, profile: Profile, manifest: Manifest) -> None:
    """Remember a night that passed, with the manifest of the events that it was made from."""
    data, key = pack({"profile": profile, "events": manifest.to_bytes().decode()}), _key(night)
    before, mark = store.load(key)
    if before != data:
        store.write(key, data, expect=mark)


def find(store: Store, nights: Iterable[dt.date]) -> dict[dt.date, Profile]:
    """The profiles of those of the nights that passed."""
    wanted = list(nights)
    found = zip(wanted, each(store, lambda night: _read(store, night), wanted), strict=True)
    return {night: value["profile"] for night, value in found if value}


def events_that_passed(store: Store, night: dt.date) -> Manifest | None:
    """The manifest of the events with which a night passed last."""
    value = _read(store, night)
    return Manifest.from_bytes(value["events"].encode(), _key(night)) if value else None


def _read(store: Store, night: dt.date) -> dict[str, Any] | None:
    try:
        return unpack(store.read(_key(night)), _key(night), "a profile", "Run build_features of that night again")
    except Missing:
        return None


def _key(night: dt.date) -> str:
    return f"profiles/events/{night}.json"
