"""Why a night has to be built again: what it was made from, held against what the store holds now."""

import datetime as dt
from collections.abc import Mapping, Sequence

from include.features import chain
from include.features.tables import COMPLETE, TRANSFORM, etl_digest
from include.store.manifest import Manifest
from include.store.objects import Store
from include.store.partitions import find_manifest

UNPUBLISHED = "it has no partition yet"


def changes(found: Manifest, inputs: Mapping[str, str], spec: str, transform: str) -> list[str]:
    """What differs between a partition and what it would be made from now, a few words each; empty when nothing does."""
    names = sorted(found.inputs.keys() | inputs.keys())
    said = [_changed(f"input {name}", found.inputs.get(name, ""), inputs.get(name, "")) for name in names]
    said += [_changed("the spec", found.spec, spec), _changed("the transform", found.transform, transform)]
    return [text for text in said if text]


def why_stale(store: Store, night: dt.date, previous: str) -> list[str]:
    """Why a night must be built when the night before has this digest; empty when it stands as it is."""
    found = find_manifest(store, COMPLETE, night)
    if found is None:
        return [UNPUBLISHED]
    return changes(found, chain.inputs_of(store, night, previous), etl_digest(), TRANSFORM)


def first_stale(store: Store, nights: Sequence[dt.date]) -> tuple[dt.date, list[str]] | None:
    """The first of these consecutive nights that must be built, and why; None when all of them stand.

    Raises:
        Missing: events of a night are not landed. Refused: the night before the first one is not published.
    """
    previous = chain.stands_on(store, nights[0])
    for night in nights:
        if why := why_stale(store, night, previous):
            return night, why
        found = find_manifest(store, COMPLETE, night)
        assert found is not None  # or it would be stale
        previous = found.digest
    return None


def _changed(what: str, before: str, after: str) -> str:
    if before == after:
        return ""
    if not before or not after:
        return f"{what} is {'new' if after else 'gone'}"
    return f"{what} changed from {_short(before)} to {_short(after)}"


def _short(text: str) -> str:
    """A digest by its first digits; a version as it is."""
    return text[:8] if len(text) == 64 else text
