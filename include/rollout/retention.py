"""What the store and this machine may let go of, and letting go of it.

First what is old: nights of the datasets that AGE, models, answers, folders of runs that have ended. Kept is what anything in
use names: the last nights and the newest partition, all that a kept manifest names as an input (to the end of that chain),
and of the models what serves, is pinned, has served lately, is under release, or is young. Of states those stay that a night of
the last ones is built from. Purchases, features, what a night of long ago made known, and nights that were set aside stay
whole. While a job runs no partition and no model goes.

Then the bytes: an object goes when no JSON that stays names its digest, and when it is older than the grace, because a
publisher puts its objects before the manifest that names them. See include/store/doomed.py for what keeps the two apart.
A clean-up that is cut off leaves objects that nothing names, and the next one finds them.
"""

import datetime as dt
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from include.errors import Refused
from include.nights import parse
from include.rollout import leftovers, names, registry
from include.rollout.in_use import HOLDER, Version, bundle_keys, in_use, old_versions
from include.rollout.lease import lease
from include.store.doomed import delete_objects
from include.store.many import each
from include.store.objects import Seen, Store
from include.store.partitions import drop
from include.store.reach import Reach, Where, closure, digests_in, partition_keys, where
from include.words import counted

MATURE = 7
"""Days after which an answer has matured."""
AGE = ("examples_", "judged_", "promotions", "placements")
"""Beginnings of the names of datasets whose old nights nothing reads again. A dataset that is not here never loses a night."""
STATE = "state"
"""The dataset of what counters go on from. Every night names the one that it keeps, and needs it no longer than others do."""
GRACE = 24 * 3600.0
"""Seconds that an object stays though nothing names it: no publisher takes that long from its first put to its manifest."""
UNREAD = ("objects/", "retention/")
"""Folders whose keys name no bytes: the bytes themselves, and the list of what is being deleted. Pages name none either."""
_SHA256 = re.compile("[0-9a-f]{64}")


class Part(BaseModel):
    """One partition that goes."""

    model_config = ConfigDict(frozen=True)

    dataset: str
    night: dt.date


class Bytes(BaseModel):
    """One object that goes: its size, and the dataset or surface whose manifest named it last, "" when none does any more."""

    model_config = ConfigDict(frozen=True)

    bytes: int
    of: str = ""


class Plan(BaseModel):
    """All that goes. `objects` are by digest; `answers` and `runs` are files and folders with their bytes; `unfinished` are
    sizes of uploads that nobody ended. `young` are bytes that nothing names and that stay for their grace; `busy` says why no
    partition and no model goes.
    """

    model_config = ConfigDict(frozen=True)

    parts: tuple[Part, ...] = ()
    versions: tuple[Version, ...] = ()
    objects: dict[str, Bytes] = {}
    answers: dict[str, int] = {}
    runs: dict[str, int] = {}
    unfinished: tuple[int, ...] = ()
    young: int = 0
    busy: str = ""
    before: float = 0.0

    @property
    def bytes(self) -> int:
        local = sum(self.answers.values()) + sum(self.runs.values())
        return sum(one.bytes for one in self.objects.values()) + local + sum(self.unfinished)

    @property
    def empty(self) -> bool:
        return not (self.parts or self.versions or self.objects or self.answers or self.runs or self.unfinished)


class Machine(BaseModel):
    """The folders of this machine: the answer log, and what runs leave (None: not looked at)."""

    model_config = ConfigDict(frozen=True)

    answers: Path
    work: Path | None = None
    jobs: Path | None = None


def plan(
    store: Store, machine: Machine, surfaces: Sequence[str], *, nights: int, days: int, grace: float = GRACE, own: str = ""
) -> Plan:
    """What may go; nothing is changed. "Old" is told from the newest night in the store, and of bytes from the clock.

    Args:
        nights: partitions and models of so many last nights stay.
        days: answers stay so many days after they have matured.
        grace: seconds that an object which nothing names stays.
        own: the DAG that this clean-up itself is a run of.

    Raises:
        Refused: a manifest or a release record cannot be read: what it names is not known, so nothing goes.
    """
    before = time.time() - grace
    running = leftovers.running(machine.jobs, own) if machine.jobs else set()
    reach = Reach.read(store, [*partition_keys(store), *bundle_keys(store, surfaces)])
    known = {key: found for key in reach.manifests if (found := where(key))}
    now = max((night for _, night in known.values()), default=None)
    since = now - dt.timedelta(days=nights) if now else None
    gone = old_versions(store, surfaces, since) if since and not running else []
    bundles = {one.key for one in gone}
    stays = _kept(reach, bundles | _old_states(known, since), since) if since and not running else reach.manifests.keys()
    parts = [Part(dataset=name, night=night) for key, (name, night) in sorted(known.items()) if key not in stays]
    named = _named(store, reach, stays)
    loose = [seen for seen in store.scan("objects") if _SHA256.fullmatch(_sha256(seen)) and _sha256(seen) not in named]
    return Plan(
        parts=tuple(parts),
        versions=tuple(gone),
        objects=_doomed(reach, [seen for seen in loose if seen.at < before]),
        answers=old_answers(machine.answers, now - dt.timedelta(days=MATURE + days)) if now else {},
        runs=leftovers.old_runs(machine.work, running) if machine.work else {},
        unfinished=tuple(store.sweep(before, really=False)),
        young=sum(seen.bytes for seen in loose if seen.at >= before),
        busy=f"{counted(len(running), 'job is', 'jobs are')} at work, {sorted(running)[0]}" if running else "",
        before=before,
    )


def apply(store: Store, machine: Machine, going: Plan) -> None:
    """Let go of it: first out of sight, then the bytes. Safe to repeat."""
    for part in going.parts:
        drop(store, part.dataset, part.night)
    for surface in sorted({one.surface for one in going.versions}):
        with lease(store, surface, HOLDER, 600):
            kept = in_use(store, surface)
            for one in going.versions:
                if one.surface == surface and one.version not in kept:
                    registry.forget_version(store, surface, one.name)
    delete_objects(store, going.objects, going.before)
    store.sweep(going.before, really=True)
    for name in going.answers:
        path = machine.answers / name
        if path.is_file() and not path.is_symlink():
            path.unlink(missing_ok=True)
            if not any(path.parent.iterdir()):
                path.parent.rmdir()
    if machine.work:
        leftovers.remove(machine.work, going.runs)


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


def _kept(reach: Reach, gone: set[str], before: dt.date) -> set[str]:
    """What does not age, is young, or the newest of its dataset; the models that stay; all that these name, and so on."""
    newest: dict[str, dt.date] = {}
    for found in filter(None, map(where, reach.manifests)):
        newest[found[0]] = max(found[1], newest.get(found[0], found[1]))

    def starts(key: str) -> bool:
        found = where(key)
        if found is None:
            return key not in gone
        return found[1] >= before or newest[found[0]] == found[1] or not found[0].startswith(AGE)

    return closure(filter(starts, reach.manifests), reach.inputs.__getitem__) - gone


def _old_states(known: Mapping[str, Where], before: dt.date) -> set[str]:
    """States that no night from `before` on is built from: the first of these goes on from the newest state before it."""
    states = {key: night for key, (dataset, night) in known.items() if dataset == STATE}
    first = max((night for night in states.values() if night < before), default=before)
    return {key for key, night in states.items() if night < first}


def _named(store: Store, reach: Reach, stays: Iterable[str]) -> set[str]:
    """Every digest that some JSON names which stays: manifests, and whatever else lies in the store."""
    found = {sha256 for key in stays for sha256 in digests_in(reach.manifests[key].to_bytes())}
    keys = [seen.key for seen in store.scan() if not seen.key.startswith(UNREAD) and not seen.key.endswith(".html")]
    others = [key for key in keys if key not in reach.manifests]
    for data, _ in each(store, store.load, others):
        found |= digests_in(data or b"")
    return found


def _doomed(reach: Reach, loose: Iterable[Seen]) -> dict[str, Bytes]:
    of = {
        file.sha256: (found[0] if (found := where(key)) else f"models of {key.split('/')[1]}")
        for key, manifest in reach.manifests.items()
        for file in manifest.files
    }
    return {_sha256(seen): Bytes(bytes=seen.bytes, of=of.get(_sha256(seen), "")) for seen in loose}


def _sha256(seen: Seen) -> str:
    return seen.key.rsplit("/", 1)[1]
