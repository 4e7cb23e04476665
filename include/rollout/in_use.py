"""Which models are in use: those that a clean-up may not touch, and the old ones that it may."""

import datetime as dt
import time
from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict

from include.errors import Refused
from include.nights import parse
from include.rollout import history, names, registry
from include.rollout.lease import holder_of
from include.store.objects import Store

YOUNG = 3
"""Newest versions of a surface that stay whatever they did, and last versions that served."""
HOLDER = "tidy"
"""Who holds a surface's lease while models of it are forgotten."""


class Version(BaseModel):
    """One registered model."""

    model_config = ConfigDict(frozen=True)

    surface: str
    version: int
    name: str

    @property
    def key(self) -> str:
        """Where its manifest is."""
        return f"models/{names.surface(self.surface)}/bundles/{names.model(self.name)}/manifest.json"


def old_versions(store: Store, surfaces: Iterable[str], before: dt.date) -> list[Version]:
    """Versions of nights before a date that are not in use; of a surface under a lease none.

    Raises:
        Refused: a release record or a switch cannot be read, so what is in use is not known.
    """
    found = []
    for surface in surfaces:
        holder, until = holder_of(store, surface)
        if holder and holder != HOLDER and until > time.time():
            continue  # a release is under way: what it will name is not known
        kept = in_use(store, surface)
        found += [
            Version(surface=surface, version=entry["version"], name=entry["name"])
            for entry in registry.versions(store, surface)
            if entry["version"] not in kept and entry["night"] and parse(entry["night"]) < before
        ]
    return found


def in_use(store: Store, surface: str) -> set[int]:
    """Versions that serve, are pinned, have served lately, are under release, or are the newest; and the first one."""
    about = history.read(store, surface)
    if about.faults:
        raise Refused(f"Not everything about {surface} can be read: {about.faults[0]}", "Mend it first; nothing was deleted")
    known = registry.versions(store, surface)
    kept = {0, *(entry["version"] for entry in known[-YOUNG:])} | {move.version for move in about.moves[-YOUNG:]}
    kept |= {one.candidate_version for one in about.records if one.verdict is None}
    kept |= {about.stable.version} if about.stable else set()
    pin = about.switches.pin
    return kept | ({pin.version} if pin and pin.version is not None else set())


def bundle_keys(store: Store, surfaces: Iterable[str]) -> set[str]:
    """Manifests of every model, also of those that a listing does not show yet."""
    keys = {key for key in store.list("models") if key.endswith("/manifest.json")}
    for surface in surfaces:
        listed = [*registry.versions(store, surface), *registry.drills(store, surface)]
        keys |= {Version(surface=surface, version=entry["version"], name=entry["name"]).key for entry in listed}
    return keys
