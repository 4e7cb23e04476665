"""Which nights are published, whole, and on what they stand.

Counters are cumulative, so a night stands on every night before it. The manifest of `features`, written last, names the
night's four partitions and the digest of the night before: one changed byte in an old night shows in every later one.
"""

import datetime as dt
from dataclasses import dataclass

from include.canonical import digest
from include.errors import Refused, TryAgain
from include.features.tables import COMPLETE, DATASETS, TRANSFORM, etl_digest
from include.store.manifest import Manifest
from include.store.many import each
from include.store.objects import Missing, Store
from include.store.partitions import find_manifest, list_nights, read_manifest

ONE_DAY = dt.timedelta(days=1)
NOTHING = "none"
"""What the first night of a shop stands on."""


@dataclass(frozen=True)
class Night:
    """One published night: its own manifest, and those of its four partitions by dataset."""

    night: dt.date
    complete: Manifest
    parts: dict[str, Manifest]


def content(manifest: Manifest) -> str:
    """Digest of a partition's bytes alone: landing the same day from a longer file changes nothing downstream."""
    return manifest.content


def catalogue_night(store: Store, night: dt.date) -> dt.date:
    """The last night up to this one on which the catalogue changed."""
    nights = [known for known in list_nights(store, "products") if known <= night]
    if not nights:
        raise Refused(f"The store has no catalogue for {night}", "Run land_events from the first day of the data")
    return nights[-1]


def inputs_of(store: Store, night: dt.date, previous: str) -> dict[str, str]:
    """Digests of all that a night's partitions are made from. `previous` is the digest of the night before."""
    events = read_manifest(store, "events", night)
    products = read_manifest(store, "products", catalogue_night(store, night))
    return {"events": content(events), "products": content(products), "previous": previous}


def stands_on(store: Store, night: dt.date) -> str:
    """Digest of the published night before, or NOTHING on the shop's first day.

    Raises:
        Refused: the night before is not published, so counters would start in the middle, or is of another version.
    """
    before = find_manifest(store, COMPLETE, night - ONE_DAY)
    if before is not None:
        _refuse_other_version(store, night, before)
        return before.digest
    if read_manifest(store, "events", night).meta.get("opens"):
        return NOTHING
    have = [known for known in list_nights(store, COMPLETE) if known < night]
    since = have[-1] + ONE_DAY if have else _first_landed(store, night)
    raise Refused(
        f"Night {night} cannot be built: its counters go on from {night - ONE_DAY}, which is not published",
        f"Run build_features in range mode from {since} to {night}",
    )


def _refuse_other_version(store: Store, night: dt.date, before: Manifest) -> None:
    """Rows of another meaning cannot be gone on from: a year must be computed by one version."""
    if (before.spec, before.transform) != (etl_digest(), TRANSFORM):
        raise Refused(
            f"Night {night - ONE_DAY}, on which {night} would stand, was computed by another version of the ETL",
            f"Run build_features in range mode from {list_nights(store, COMPLETE)[0]} to {night}",
        )


def _first_landed(store: Store, night: dt.date) -> dt.date:
    return min(list_nights(store, "events"), default=night)


def stale_key(inputs: dict[str, str]) -> str:
    """What decides whether a night must be built again."""
    return Manifest(kind="partition", name="", inputs=inputs, spec=etl_digest(), transform=TRANSFORM).stale_key


def next_id_map(before: str, index_rows: int, index_sha256: str) -> str:
    """Name of the map from product to index after a night: changes only when products are added."""
    return digest({"before": before, "added": index_sha256}) if index_rows else before


def read_night(store: Store, night: dt.date) -> Night:
    """One published night, seen to be whole.

    Raises:
        Missing: it is not published. TryAgain: it is being published again right now.
    """
    complete = read_manifest(store, COMPLETE, night)
    parts = {dataset: read_manifest(store, dataset, night) for dataset in DATASETS}
    for dataset, manifest in parts.items():
        if manifest.digest != complete.meta["parts"][dataset]:
            raise TryAgain(
                f"{dataset} of {night} is not the partition that the night names",
                f"If nothing is publishing {night}, run publish_features for it again",
            )
    return Night(night, complete, parts)


def read_nights(store: Store, last: dt.date) -> list[Night]:
    """All published nights up to one, each standing on the one before.

    The manifests themselves say where the shop begins, so a night that a listing does not show yet is not left out.

    Raises:
        Missing: `last` is not published. Refused: there is a gap, or an older night was rebuilt under the later ones.
    """
    nights = [read_night(store, last)]
    ahead = [known for known in list_nights(store, COMPLETE) if known < last]
    known = dict(zip(ahead, each(store, lambda night: _find_night(store, night), ahead), strict=True))
    while (previous := nights[-1].complete.inputs["previous"]) != NOTHING:
        before = nights[-1].night - ONE_DAY
        found = known.get(before) or _find_night(store, before)
        if found is None or found.complete.digest != previous:
            raise Refused(
                f"Night {nights[-1].night} does not stand on the published night before it",
                f"Run build_features in range mode from {nights[-1].night} to {list_nights(store, COMPLETE)[-1]}",
            )
        nights.append(found)
    return nights[::-1]


def _find_night(store: Store, night: dt.date) -> Night | None:
    try:
        return read_night(store, night)
    except Missing:
        return None


def nights_before(store: Store, night: dt.date) -> list[dt.date]:
    """Every published night before one, oldest first, as the manifests chain them. Nothing is left out by a late listing."""
    nights: list[dt.date] = []
    previous = stands_on(store, night)
    while previous != NOTHING:
        night -= ONE_DAY
        nights.append(night)
        previous = read_manifest(store, COMPLETE, night).inputs["previous"]
    return nights[::-1]
