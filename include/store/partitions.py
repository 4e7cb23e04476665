"""Partitions of a dataset by night: publish one, and read many."""

import datetime as dt
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from include.nights import parse
from include.store.index import forget, recall, remember
from include.store.manifest import Manifest, add_files, swap_in
from include.store.many import each
from include.store.objects import ABSENT, Missing, Store


def manifest_key(dataset: str, night: dt.date) -> str:
    return f"datasets/{dataset}/{night.isoformat()}/manifest.json"


def publish(
    store: Store,
    dataset: str,
    night: dt.date,
    files: Mapping[str, Path],
    *,
    rows: int,
    columns: dict[str, str],
    inputs: dict[str, str],
    spec: str,
    transform: str,
    id_map: str = "",
    meta: dict[str, Any] | None = None,
) -> tuple[Manifest, bool]:
    """Make one partition visible. Returns its manifest and whether anything changed.

    Publishing the same files twice changes no byte. A crash before the manifest leaves only objects that nothing names;
    one after it leaves the night out of the index until the step is run again.
    """
    manifest = Manifest(
        kind="partition",
        name=f"{dataset}/{night.isoformat()}",
        rows=rows,
        columns=columns,
        files=add_files(store, files),
        inputs=inputs,
        spec=spec,
        transform=transform,
        id_map=id_map,
        meta=meta or {},
    )
    changed = swap_in(store, manifest_key(dataset, night), manifest)
    remember_nights(store, dataset, [night])
    return manifest, changed


def read_manifest(store: Store, dataset: str, night: dt.date) -> Manifest:
    """The manifest of one partition. Raises Missing with the night's name."""
    key = manifest_key(dataset, night)
    try:
        return Manifest.from_bytes(store.read(key), key)
    except Missing:
        raise Missing(f"{dataset} has no partition for {night}", f"Run build_features for {night} first") from None


def find_manifest(store: Store, dataset: str, night: dt.date) -> Manifest | None:
    """The manifest of one partition, or None."""
    try:
        return read_manifest(store, dataset, night)
    except Missing:
        return None


def remember_nights(store: Store, dataset: str, nights: Iterable[dt.date]) -> None:
    """Let readers find nights whose manifests are there, however late a listing shows them."""
    remember(store, f"datasets/{dataset}", [night.isoformat() for night in nights])


def list_nights(store: Store, dataset: str) -> list[dt.date]:
    """Nights that have a partition, in order: what a listing shows, and what it does not show yet."""
    keys = store.list(f"datasets/{dataset}")
    shown = {key.split("/")[2] for key in keys if key.endswith("/manifest.json")}
    late = [night for night in recall(store, f"datasets/{dataset}") - shown if _is_there(store, dataset, night)]
    return sorted(map(parse, [*shown, *late]))


def drop(store: Store, dataset: str, night: dt.date) -> None:
    """Make one partition invisible; its objects stay."""
    forget(store, f"datasets/{dataset}", [night.isoformat()])
    store.delete(manifest_key(dataset, night))


def _is_there(store: Store, dataset: str, night: str) -> bool:
    return store.etag(manifest_key(dataset, parse(night))) != ABSENT


def fetch(store: Store, dataset: str, nights: Iterable[dt.date]) -> list[Path]:
    """Local paths of all files of these nights, digests checked. Raises Missing, Damaged."""
    manifests = each(store, lambda night: read_manifest(store, dataset, night), nights)
    return each(store, store.fetch, [file.sha256 for manifest in manifests for file in manifest.files])
