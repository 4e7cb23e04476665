"""Partitions of a dataset by night: publish one, and read many."""

import datetime as dt
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from include.store.manifest import Manifest, add_files, swap_in
from include.store.objects import Missing, Store


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

    Publishing the same files twice changes no byte. A crash before the last step leaves only objects that nothing
    names.
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
    return manifest, swap_in(store, manifest_key(dataset, night), manifest)


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


def list_nights(store: Store, dataset: str) -> list[dt.date]:
    """Nights that have a partition, in order."""
    keys = store.list(f"datasets/{dataset}")
    return [dt.date.fromisoformat(key.split("/")[2]) for key in keys if key.endswith("/manifest.json")]


def fetch(store: Store, dataset: str, nights: Iterable[dt.date]) -> list[Path]:
    """Local paths of all files of these nights, digests checked. Raises Missing, Damaged."""
    return [store.fetch(file.sha256) for night in nights for file in read_manifest(store, dataset, night).files]
