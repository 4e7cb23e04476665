"""Make a run's nights visible: objects first, then the manifests of a night's partitions, then the one that names them.

Two runs may do so at once. Each reads what is published before it looks at the inputs, and swaps a manifest only if it is
still the one that it read. So a run whose inputs are out of date cannot replace a newer night: had its inputs been the right
ones when it looked, the newer night came later, and the swap fails. Who fails looks again: either the night stands as the
store's inputs want it, and this run is superseded, or it does not, and this run swaps anew.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from include.canonical import digest_file
from include.errors import Refused, TryAgain
from include.features.build import Build, night_files, raw_inputs
from include.features.chain import ONE_DAY, next_id_map
from include.features.stale import first_stale
from include.features.state import STATE, state_files
from include.features.tables import COMPLETE, DATASETS, TRANSFORM, columns, etl_digest
from include.store.doomed import put_all
from include.store.manifest import File, Manifest, swap_in
from include.store.many import each
from include.store.objects import Conflict, Store
from include.store.partitions import find_manifest, list_nights, manifest_key, remember_nights
from include.words import counted

TRIES = 20
"""How often a run that is as right as before swaps anew; each time another run has done one step of its own."""

Seen = dict[str, tuple[bytes | None, str]]
"""By dataset what was published when the run looked, as `Store.load` gives it."""


@dataclass(frozen=True)
class Prepared:
    """A night's manifests, ready to be swapped in, the files behind them, and what they replace."""

    night: dt.date
    parts: dict[str, Manifest]
    complete: Manifest
    files: list[Path]
    seen: Seen = field(repr=False)


@dataclass(frozen=True)
class Published:
    """How a run's publishing ended: "published", "unchanged" or "superseded", and why; of how many nights the run's own bytes
    are published by it, and how many it has changed.
    """

    state: str
    reason: str
    nights: int = 0
    changed: int = 0


def publish_build(store: Store, folder: Path, tell: Callable[[int, int], None] = lambda done, total: None) -> Published:
    """Publish what a build left, beside whoever publishes the same nights. Doing it again changes no byte.

    Args:
        tell: called with the number of nights that are published, and of all.

    Raises:
        TryAgain: what the build read has changed since, and nobody has published these nights from what is there now.
        Refused: later published nights stand on other bytes.
    """
    nights = Build.read(folder).nights
    if not nights:
        return Published("unchanged", "nothing was built, so there is nothing to publish")
    changed = 0
    for attempt in range(TRIES):
        try:
            ready = prepare(store, folder)
            for done, night in enumerate(ready, start=1):
                changed += publish_night(store, night)
                tell(done, len(ready))
        except TryAgain as error:
            if first_stale(store, nights) is None:
                return Published("superseded", "another run has published these nights from what the store holds now")
            if not isinstance(error, Conflict) or attempt == TRIES - 1:
                raise
        else:
            return _ended(changed, len(ready))
    raise AssertionError("not reached")


def _ended(changed: int, nights: int) -> Published:
    if changed:
        return Published("published", f"{counted(nights, 'night is', 'nights are')} published", nights, changed)
    return Published("superseded", "another run, or an earlier attempt of this one, has published the same bytes")


def prepare(store: Store, folder: Path) -> list[Prepared]:
    """The manifests of all nights that a build left, each standing on the one before.

    Raises:
        TryAgain: what the build read has been changed since. Refused: later published nights stand on other bytes.
    """
    build = Build.read(folder)
    if not build.nights:
        return []
    seen = dict(zip(build.nights, each(store, lambda night: _look(store, night), build.nights), strict=True))
    if raw_inputs(store, build.nights) != build.inputs:
        raise TryAgain(f"What night {build.nights[0]} was built from has changed since", "Run build_features again")
    before = find_manifest(store, COMPLETE, build.nights[0] - ONE_DAY)
    previous, id_map = build.inputs[str(build.nights[0])]["previous"], before.id_map if before else ""
    ready = []
    for night in build.nights:
        inputs = build.inputs[str(night)] | {"previous": previous}
        files = night_files(folder, night), state_files(folder, night)
        ready.append(_prepare_night(night, *files, inputs, id_map, seen[night]))
        previous, id_map = ready[-1].complete.digest, ready[-1].complete.id_map
    _refuse_to_undermine(store, ready)
    return ready


def _look(store: Store, night: dt.date) -> Seen:
    return {dataset: store.load(manifest_key(dataset, night)) for dataset in (*DATASETS, STATE, COMPLETE)}


def _prepare_night(
    night: dt.date, files: dict[str, Path], state: dict[str, Path], inputs: dict[str, str], id_map: str, seen: Seen
) -> Prepared:
    rows = {dataset: pq.read_metadata(path).num_rows for dataset, path in files.items()}
    id_map = next_id_map(id_map, rows["product_index"], digest_file(files["product_index"]))
    common: dict[str, Any] = {"kind": "partition", "inputs": inputs, "id_map": id_map}
    common |= {"spec": etl_digest(), "transform": TRANSFORM}
    parts = {
        dataset: Manifest(
            name=f"{dataset}/{night}", rows=rows[dataset], columns=columns(dataset), files=[_file(path, dataset)], **common
        )
        for dataset, path in files.items()
    }
    if state:
        parts[STATE] = Manifest(name=f"{STATE}/{night}", files=[_file(path, name) for name, path in state.items()], **common)
    meta = {"parts": {dataset: part.digest for dataset, part in parts.items()}, "rows": rows}
    complete = Manifest(name=f"{COMPLETE}/{night}", meta=meta, **common)
    return Prepared(night, parts, complete, [*files.values(), *state.values()], seen)


def _file(path: Path, dataset: str) -> File:
    return File(path=f"{dataset}.parquet", sha256=digest_file(path), bytes=path.stat().st_size)


def _refuse_to_undermine(store: Store, ready: list[Prepared]) -> None:
    last = ready[-1]
    after = find_manifest(store, COMPLETE, last.night + ONE_DAY)
    if after is not None and after.inputs["previous"] != last.complete.digest:
        raise Refused(
            f"Night {ready[0].night} came out with other bytes, and the nights after {last.night} stand on the old ones",
            f"Run build_features in range mode from {ready[0].night} to {list_nights(store, COMPLETE)[-1]}",
        )


def publish_night(store: Store, ready: Prepared) -> bool:
    """Make one night visible; returns whether this run did it. A crash half-way leaves the night as it was, or refused.

    Raises:
        Conflict: somebody has published other bytes since the night was prepared.
    """
    put_all(store, ready.files)

    def swap(name: str) -> bool:
        return swap_in(store, manifest_key(name, ready.night), ready.parts[name], ready.seen[name])

    each(store, swap, ready.parts)
    changed = swap_in(store, manifest_key(COMPLETE, ready.night), ready.complete, ready.seen[COMPLETE])
    remember_nights(store, COMPLETE, [ready.night])
    return changed
