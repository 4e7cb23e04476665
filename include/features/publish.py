"""Make a run's nights visible: objects first, then the four manifests of a night, then the one that names them."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from include.canonical import digest_file
from include.errors import Refused, TryAgain
from include.features.build import Build, night_files, raw_inputs
from include.features.chain import ONE_DAY, next_id_map
from include.features.tables import COMPLETE, DATASETS, TRANSFORM, columns, etl_digest
from include.store.manifest import File, Manifest, swap_in
from include.store.many import each
from include.store.objects import Store
from include.store.partitions import find_manifest, list_nights, manifest_key, remember_nights


@dataclass(frozen=True)
class Prepared:
    """A night's manifests, ready to be swapped in, and the files behind them."""

    night: dt.date
    parts: dict[str, Manifest]
    complete: Manifest
    files: dict[str, Path]


def prepare(store: Store, folder: Path) -> list[Prepared]:
    """The manifests of all nights that a build left, each standing on the one before.

    Raises:
        TryAgain: what the build read has been changed since. Refused: later published nights stand on other bytes.
    """
    build = Build.read(folder)
    if not build.nights:
        return []
    if raw_inputs(store, build.nights) != build.inputs:
        raise TryAgain(f"What night {build.nights[0]} was built from has changed since", "Run build_features again")
    before = find_manifest(store, COMPLETE, build.nights[0] - ONE_DAY)
    previous, id_map = build.inputs[str(build.nights[0])]["previous"], before.id_map if before else ""
    ready = []
    for night in build.nights:
        inputs = build.inputs[str(night)] | {"previous": previous}
        ready.append(_prepare_night(night, night_files(folder, night), inputs, id_map))
        previous, id_map = ready[-1].complete.digest, ready[-1].complete.id_map
    _refuse_to_undermine(store, ready)
    return ready


def _prepare_night(night: dt.date, files: dict[str, Path], inputs: dict[str, str], id_map: str) -> Prepared:
    rows = {dataset: pq.read_metadata(path).num_rows for dataset, path in files.items()}
    id_map = next_id_map(id_map, rows["product_index"], digest_file(files["product_index"]))
    common: dict[str, Any] = {"kind": "partition", "inputs": inputs, "id_map": id_map}
    common |= {"spec": etl_digest(), "transform": TRANSFORM}
    parts = {
        dataset: Manifest(
            name=f"{dataset}/{night}",
            rows=rows[dataset],
            columns=columns(dataset),
            files=[File(path=f"{dataset}.parquet", sha256=digest_file(path), bytes=path.stat().st_size)],
            **common,
        )
        for dataset, path in files.items()
    }
    meta = {"parts": {dataset: part.digest for dataset, part in parts.items()}, "rows": rows}
    return Prepared(night, parts, Manifest(name=f"{COMPLETE}/{night}", meta=meta, **common), files)


def _refuse_to_undermine(store: Store, ready: list[Prepared]) -> None:
    last = ready[-1]
    after = find_manifest(store, COMPLETE, last.night + ONE_DAY)
    if after is not None and after.inputs["previous"] != last.complete.digest:
        raise Refused(
            f"Night {ready[0].night} came out with other bytes, and the nights after {last.night} stand on the old ones",
            f"Run build_features in range mode from {ready[0].night} to {list_nights(store, COMPLETE)[-1]}",
        )


def publish_night(store: Store, ready: Prepared) -> bool:
    """Make one night visible; returns whether anything changed. A crash half-way leaves the night as it was, or refused."""
    each(store, store.put, [ready.files[dataset] for dataset in DATASETS])
    changed = any(each(store, lambda name: swap_in(store, manifest_key(name, ready.night), ready.parts[name]), DATASETS))
    changed |= swap_in(store, manifest_key(COMPLETE, ready.night), ready.complete)
    remember_nights(store, COMPLETE, [ready.night])
    return changed
