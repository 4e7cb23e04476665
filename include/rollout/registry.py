"""Which bundles a surface has, and which one answers.

A bundle is called by its model's name and numbered in the order of registration; version 0 is the surface's first.
`stable.json` is the pointer: it moves by compare-and-swap, counts its moves (epoch), and never to an older night.
Models that a drill spoilt on purpose stand on a list of their own with numbers of their own: whoever looks for a candidate
reads `versions`, where they are not, and `promote` refuses them.

    models/<surface>/bundles/<name>/manifest.json   the files, by digest
    models/<surface>/bundles/<name>/card.json       measurements, beside the bundle: not part of what it is
    models/<surface>/versions.json                  names by version
    models/<surface>/drills.json                    the same for models spoilt on purpose, numbered from DRILLS
    models/<surface>/stable.json                    the pointer
"""

import datetime as dt
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from include.canonical import dumps
from include.errors import Refused
from include.rollout import names, switches
from include.rollout.bundle import Bundle, Pointer
from include.rollout.lease import lease
from include.rollout.materialise import materialise
from include.store.document import unpack
from include.store.manifest import Manifest, add_files
from include.store.objects import ABSENT, Conflict, Damaged, Missing, Store, object_key

__all__ = [
    "Bundle",
    "Fenced",
    "Pointer",
    "check_fence",
    "drills",
    "find",
    "forget_drill",
    "forget_version",
    "lease",
    "materialise",
    "promote",
    "register",
    "stable",
    "versions",
    "write_card",
]

TRIES = 50
DRILLS = 1_000_000
"""Number of the first model that a drill spoils; real versions stay far below."""

T = TypeVar("T")


class Fenced(Refused):
    """A run of an older night, or one that judged another stable version, wanted to move the pointer."""


def register(store: Store, surface: str, bundle_dir: Path, name: str, meta: dict[str, Any], card: dict[str, Any]) -> int:
    """Put a bundle into the store and number it; the same name again is the same version and the same bytes.

    Two exports of one model differ in bytes, so the first registered bytes stay, unless they are damaged by now: then
    registering again mends them. With `meta["drill"]` it goes to the list of models that are spoilt on purpose.

    Returns:
        The version, 0 for a surface's first bundle.

    Raises:
        Refused: a name or a file of the bundle is hostile, or there are no files.
    """
    folder = f"models/{names.surface(surface)}/bundles/{names.model(name)}"
    files = names.files_of(Path(bundle_dir))
    key = f"{folder}/manifest.json"
    before = store.etag(key)
    if before == ABSENT or not _sound(store, key):
        manifest = Manifest(kind="bundle", name=name, files=add_files(store, files), meta={**meta, "surface": surface})
        try:
            store.write(f"{folder}/card.json", dumps(card))
            store.write(key, manifest.to_bytes(), expect=before)
        except Conflict:
            pass  # another writer of the same model was first: its bytes are as good
    listed = _drills_key(surface) if meta.get("drill") else _versions_key(surface)
    return _again(lambda: _number(store, listed, name, str(meta.get("night", "")), DRILLS if meta.get("drill") else 0))


def find(store: Store, surface: str, which: int | str) -> Bundle:
    """A bundle by version or by model name.

    Raises:
        Missing: the surface has no such version or model.
        Refused: the name cannot be one.
    """
    for entry in [*versions(store, surface), *drills(store, surface)]:
        if which in (entry["version"], entry["name"]):
            folder = f"models/{surface}/bundles/{names.model(entry['name'])}"
            manifest = _manifest(store, f"{folder}/manifest.json")
            card = unpack(store.read(f"{folder}/card.json"), f"{folder}/card.json")
            return Bundle(surface=surface, version=entry["version"], name=entry["name"], manifest=manifest, card=card)
    raise Missing(f"Surface {surface} has no version or model '{str(which)[:60]}'", f"Run train_{surface} first")


def versions(store: Store, surface: str) -> list[dict[str, Any]]:
    """[{"version", "name", "night"}] in order of registration; empty for a surface that has none."""
    return _load(store, _versions_key(surface)).get("versions", [])


def drills(store: Store, surface: str) -> list[dict[str, Any]]:
    """As `versions`, of the models that drills have spoilt and not yet forgotten."""
    return _load(store, _drills_key(surface)).get("versions", [])


def forget_drill(store: Store, surface: str, name: str) -> None:
    """Take a spoilt model out of the store, with the objects that no other bundle of the surface has.

    What it shares with the model that it was made from stays. Its number is never given again. Nothing happens when there
    is no such drill.
    """
    if name not in [entry["name"] for entry in drills(store, surface)]:
        return
    key = f"models/{surface}/bundles/{names.model(name)}/manifest.json"
    own = {file.sha256 for file in find(store, surface, name).manifest.files}
    others = [entry["name"] for entry in [*versions(store, surface), *drills(store, surface)] if entry["name"] != name]
    shared = {file.sha256 for other in others for file in find(store, surface, other).manifest.files}

    def leave() -> None:
        listed = _drills_key(surface)
        before, known = store.etag(listed), drills(store, surface)
        following = max([DRILLS, *(entry["version"] + 1 for entry in known), _load(store, listed).get("next", 0)])
        rest = [entry for entry in known if entry["name"] != name]
        store.write(listed, dumps({"next": following, "versions": rest}), expect=before)

    _again(leave)
    for gone in (key, key.replace("manifest.json", "card.json"), *(object_key(sha256) for sha256 in sorted(own - shared))):
        store.delete(gone)


def forget_version(store: Store, surface: str, name: str) -> None:
    """Take a model off the list, then its manifest and card; its objects are the caller's business. Safe to repeat.

    Its number is not given again as long as a newer one is on the list.
    """

    def leave() -> None:
        key = _versions_key(surface)
        before, known = store.etag(key), versions(store, surface)
        rest = [entry for entry in known if entry["name"] != name]
        if rest != known:
            store.write(key, dumps({"versions": rest}), expect=before)

    _again(leave)
    folder = f"models/{names.surface(surface)}/bundles/{names.model(name)}"
    store.delete(f"{folder}/manifest.json")
    store.delete(f"{folder}/card.json")


def write_card(store: Store, surface: str, name: str, card: dict[str, Any]) -> None:
    """Replace a bundle's measurements. Raises Missing when there is no such bundle."""
    find(store, surface, name)
    store.write(f"models/{surface}/bundles/{name}/card.json", dumps(card))


def stable(store: Store, surface: str) -> Pointer | None:
    """The version that answers, or None before the first release."""
    value = _load(store, stable_key(surface))
    return Pointer.model_validate(value) if value else None


def promote(store: Store, surface: str, version: int, night: dt.date, release_id: str, epoch: int | None = None) -> Pointer:
    """Let a version answer, in one step. Doing it again with the same arguments changes nothing.

    Args:
        night: the night of the release. It may not be before the night of the release that stable came from.
        epoch: when given, the epoch of the stable version that the release judged the candidate against (0 for none).

    Raises:
        Fenced: the pointer belongs to a newer night, or has moved since the release began.
        Held: somebody has frozen the surface, or pinned it to another version.
        Missing: no such version.
        Refused: a drill has spoilt it on purpose.
    """
    bundle, names_release = find(store, surface, version), names.release(release_id)
    if bundle.drill:
        raise Refused(f"Version {version} of {surface} was spoilt on purpose ({bundle.drill})", "Release a real model")

    def swap() -> Pointer:
        key = stable_key(surface)
        before = store.etag(key)
        now = stable(store, surface)
        pointer = Pointer(
            version=version, name=bundle.name, night=night, epoch=now.epoch + 1 if now else 1, release=names_release
        )
        if now and now == pointer.model_copy(update={"epoch": now.epoch}):
            return now
        check_fence(surface, now, night, epoch)
        switches.check(store, surface, version)
        store.write(key, dumps(pointer.model_dump(mode="json")), expect=before)
        return pointer

    return _again(swap)


def check_fence(surface: str, now: Pointer | None, night: dt.date, epoch: int | None = None) -> None:
    """Whether a release of this night, begun at this epoch, may move the pointer. Raises Fenced."""
    if now and night < now.night:
        raise Fenced(
            f"Stable of {surface} is version {now.version} of night {now.night}; a release of the older night {night} "
            "may not replace it",
            "Release a model of that night or a later one",
        )
    if epoch is not None and epoch != (now.epoch if now else 0):
        raise Fenced(
            f"Stable of {surface} has moved to version {now.version if now else 'none'} since this release began",
            "Start the release again, so that the candidate is judged against what serves now",
        )


def _sound(store: Store, key: str) -> bool:
    """Whether every object that the manifest at this key names has its bytes; damaged objects are forgotten."""
    sound = True
    for file in Manifest.from_bytes(store.read(key), key).files:
        try:
            store.fetch(file.sha256)
        except Damaged:
            store.delete(object_key(file.sha256))
            sound = False
        except Missing:
            sound = False
    return sound


def _number(store: Store, key: str, name: str, night: str, first: int) -> int:
    before = store.etag(key)
    value = _load(store, key)
    known = value.get("versions", [])
    for entry in known:
        if entry["name"] == name:
            return entry["version"]
    version = max([value.get("next", first), *(entry["version"] + 1 for entry in known)])
    store.write(key, dumps({**value, "versions": [*known, {"version": version, "name": name, "night": night}]}), expect=before)
    return version


def _manifest(store: Store, key: str) -> Manifest:
    return Manifest.from_bytes(store.read(key), key)


def _again(step: Callable[[], T]) -> T:
    """Read and decide anew each time that another writer was faster."""
    for attempt in range(TRIES):
        try:
            return step()
        except Conflict:
            if attempt == TRIES - 1:
                raise
            time.sleep(random.uniform(0, 0.002 * (attempt + 1)))
    raise AssertionError("not reached")


def _load(store: Store, key: str) -> dict[str, Any]:
    try:
        return unpack(store.read(key), key, todo="Restore it from a copy of the store; no bundle is lost")
    except Missing:
        return {}


def _versions_key(surface: str) -> str:
    return f"models/{names.surface(surface)}/versions.json"


def _drills_key(surface: str) -> str:
    return f"models/{names.surface(surface)}/drills.json"


def stable_key(surface: str) -> str:
    """Where a surface's pointer is."""
    return f"models/{names.surface(surface)}/stable.json"
