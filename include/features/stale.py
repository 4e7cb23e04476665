"""Why a night has to be built again: what it was made from, held against what the store holds now."""

import datetime as dt
from collections.abc import Sequence

from include.features import chain
from include.features.tables import COMPLETE, TRANSFORM, etl_digest
from include.store.objects import Store
from include.store.partitions import find_manifest

UNPUBLISHED = "it has no partition yet"


def why_stale(store: Store, night: dt.date, previous: str) -> list[str]:
    """Why a night must be built when the night before has this digest; empty when it stands as it is."""
    found = find_manifest(store, COMPLETE, night)
    if found is None:
        return [UNPUBLISHED]
    return found.changes(chain.inputs_of(store, night, previous), etl_digest(), TRANSFORM)


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
