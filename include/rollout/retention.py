"""What the store and the answer log may let go of, and letting go of it.

Kept is what anything in use names: the last nights of every dataset and its newest partition, all that a kept manifest names
as an input (to the end of that chain), and of the models what serves, is pinned, has served lately, is under release, or is
young. Counters are cumulative and each night names the night before, so the features themselves stay whole.

Objects go only when a partition or model that goes has named them and nothing that stays does. What must go is written down
first (retention/going.json), so that a clean-up which was cut off is finished by the next one.
"""

import datetime as dt
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from include.canonical import digest, dumps
from include.errors import Refused
from include.nights import parse
from include.rollout import history, names, registry
from include.store.manifest import Manifest
from include.store.objects import Missing, Store, object_key
from include.store.partitions import drop, list_nights, read_manifest

GOING = "retention/going.json"
MATURE = 7
"""Days after which an answer has matured."""
YOUNG = 3
"""Newest versions of a surface that stay whatever they did, and last versions that served."""
_HEX = re.compile(rb"[0-9a-f]{64}")


class Part(BaseModel):
    """One partition that goes."""

    model_config = ConfigDict(frozen=True)

    dataset: str
    night: dt.date


class Version(BaseModel):
    """One registered model that goes."""

    model_config = ConfigDict(frozen=True)

    surface: str
    version: int
    name: str


class Plan(BaseModel):
    """All that goes. `objects` are digests with their bytes; `answers` are files of the answer log with theirs."""

    model_config = ConfigDict(frozen=True)

    parts: tuple[Part, ...] = ()
    versions: tuple[Version, ...] = ()
    objects: dict[str, int] = {}
    answers: dict[str, int] = {}

    @property
    def bytes(self) -> int:
        return sum(self.objects.values()) + sum(self.answers.values())

    @property
    def empty(self) -> bool:
        return not (self.parts or self.versions or self.objects or self.answers)


def plan(store: Store, answers: Path, surfaces: Sequence[str], *, nights: int, days: int) -> Plan:
    """What may go, as of the newest night in the store; nothing is changed.

    Args:
        answers: folder of the answer log.
        nights: partitions and models of so many last nights stay.
        days: answers stay so many days after they have matured.

    Raises:
        Refused: a manifest cannot be read: what it names is not known, so nothing goes.
    """
    datasets = sorted({key.split("/")[1] for key in store.list("datasets")} - {"index.json"})
    known = {(name, night): read_manifest(store, name, night) for name in datasets for night in list_nights(store, name)}
    if not known:
        return Plan()
    now = max(night for _, night in known)
    gone = _old_versions(store, surfaces, now - dt.timedelta(days=nights))
    bundles = _bundles(store, surfaces)
    going = {_bundle_key(one) for one in gone}
    kept = _kept(known, [bundles[key] for key in bundles if key not in going], now - dt.timedelta(days=nights))
    parts = [Part(dataset=name, night=night) for name, night in sorted(known) if (name, night) not in kept]
    doomed = [known[part.dataset, part.night] for part in parts] + [bundles[key] for key in sorted(going) if key in bundles]
    stays = [known[where] for where in kept] + [bundle for key, bundle in bundles.items() if key not in going]
    return Plan(
        parts=tuple(parts),
        versions=tuple(gone),
        objects=_only_of(doomed, stays) | _left_over(store, stays),
        answers=old_answers(answers, now - dt.timedelta(days=MATURE + days)),
    )


def apply(store: Store, answers: Path, going: Plan) -> None:
    """Let go of it: first written down, then out of sight, then the bytes. Safe to repeat."""
    store.write(GOING, dumps({"objects": going.objects}))
    for part in going.parts:
        drop(store, part.dataset, part.night)
    for one in going.versions:
        registry.forget_version(store, one.surface, one.name)
    for sha256 in going.objects:
        store.delete(object_key(sha256))
    for name in going.answers:
        path = answers / name
        if path.is_file() and not path.is_symlink():
            path.unlink(missing_ok=True)
            if not any(path.parent.iterdir()):
                path.parent.rmdir()
    store.delete(GOING)


def old_answers(root: Path, before: dt.date) -> dict[str, int]:
    """Files of the answer log of nights before a date, by path under `root`, with their bytes.

    Only plain files at <surface>/<night>/*.jsonl count: a link, or anything with another name, is nobody's business here.
    """
    found: dict[str, int] = {}
    for folder in sorted(root.glob("*/*")):
        if folder.is_symlink() or folder.parent.is_symlink() or not folder.is_dir():
            continue
        try:
            names.surface(folder.parent.name)
            old = parse(folder.name) < before
        except Refused:
            continue
        files = sorted(folder.glob("*.jsonl")) if old else []
        found |= {
            str(path.relative_to(root)): path.stat().st_size for path in files if path.is_file() and not path.is_symlink()
        }
    return found


def _kept(known: dict[tuple[str, dt.date], Manifest], bundles: Iterable[Manifest], before: dt.date) -> set[tuple[str, dt.date]]:
    """Partitions from a date on, the newest of each dataset, and all that these and the models name, and so on."""
    by_name: dict[str, list[tuple[str, dt.date]]] = {}
    for where, manifest in known.items():
        for name in (manifest.digest, digest([file.sha256 for file in manifest.files])):
            by_name.setdefault(name, []).append(where)
    newest = dict(sorted(known))
    kept: set[tuple[str, dt.date]] = set()
    ahead = [where for where in known if where[1] >= before or newest[where[0]] == where[1]]
    ahead += [where for bundle in bundles for name in _named(bundle) for where in by_name.get(name, [])]
    while ahead:
        where = ahead.pop()
        if where not in kept:
            kept.add(where)
            ahead += [other for name in _named(known[where]) for other in by_name.get(name, [])]
    return kept


def _named(manifest: Manifest) -> set[str]:
    """Every digest in a manifest's bytes."""
    return {found.decode() for found in _HEX.findall(manifest.to_bytes())}


def _only_of(doomed: Iterable[Manifest], stays: Iterable[Manifest]) -> dict[str, int]:
    needed = {name for manifest in stays for name in _named(manifest)}
    return {file.sha256: file.bytes for manifest in doomed for file in manifest.files if file.sha256 not in needed}


def _left_over(store: Store, stays: Iterable[Manifest]) -> dict[str, int]:
    """Objects that a clean-up which was cut off had written down, without those that somebody needs by now."""
    try:
        objects = json.loads(store.read(GOING))["objects"]
        found = {str(sha256): int(size) for sha256, size in objects.items() if _HEX.fullmatch(str(sha256).encode())}
    except Missing:
        return {}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refused(f"{GOING} cannot be read", "Delete it; some bytes of an earlier clean-up may then stay") from error
    needed = {name for manifest in stays for name in _named(manifest)}
    return {sha256: size for sha256, size in found.items() if sha256 not in needed}


def _old_versions(store: Store, surfaces: Iterable[str], before: dt.date) -> list[Version]:
    found = []
    for surface in surfaces:
        about = history.read(store, surface)
        if about.faults:
            raise Refused(
                f"Not everything about {surface} can be read: {about.faults[0]}", "Mend it first; nothing was deleted"
            )
        known = registry.versions(store, surface)
        kept = {0, *(entry["version"] for entry in known[-YOUNG:])} | {move.version for move in about.moves[-YOUNG:]}
        kept |= {one.candidate_version for one in about.records if one.verdict is None}
        kept |= {about.stable.version} if about.stable else set()
        pin = about.switches.pin
        kept |= {pin.version} if pin and pin.version is not None else set()
        found += [
            Version(surface=surface, version=entry["version"], name=entry["name"])
            for entry in known
            if entry["version"] not in kept and entry["night"] and parse(entry["night"]) < before
        ]
    return found


def _bundles(store: Store, surfaces: Iterable[str]) -> dict[str, Manifest]:
    """Every model by its manifest's key, also those that a listing does not show yet."""
    keys = {key for key in store.list("models") if key.endswith("/manifest.json")}
    for surface in surfaces:
        listed = [*registry.versions(store, surface), *registry.drills(store, surface)]
        keys |= {f"models/{surface}/bundles/{names.model(entry['name'])}/manifest.json" for entry in listed}
    return {key: Manifest.from_bytes(store.read(key), key) for key in sorted(keys)}


def _bundle_key(one: Version) -> str:
    return f"models/{names.surface(one.surface)}/bundles/{names.model(one.name)}/manifest.json"
