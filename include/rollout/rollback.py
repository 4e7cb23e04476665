"""Go back to an earlier version by hand: what it would do, the pin that comes with it, and the move of the pointer.

The pointer keeps its night and its epoch rises: the release of an older night still loses, and a release that is under way
finds that stable has moved. The surface is pinned to the version first, which ends a release that is under way and keeps
the next night from promoting again; it stays pinned until somebody takes the pin off.
"""

from pydantic import BaseModel, ConfigDict

from include.canonical import dumps
from include.errors import Refused
from include.rollout import history, names, registry, served, switches
from include.rollout.bundle import Bundle, Pointer
from include.rollout.switches import Switch
from include.store.objects import Store


class Plan(BaseModel):
    """What a roll-back does: from the pointer that was seen to another bundle of the surface."""

    model_config = ConfigDict(frozen=True)

    surface: str
    before: Pointer
    after: Bundle


def plan(store: Store, surface: str, version: int | None = None, epoch: int | None = None) -> Plan:
    """The way to a version; to the one that served before this one when none is given.

    Args:
        epoch: the pointer's epoch when the person decided; None means whatever serves.

    Raises:
        Refused: nothing is stable, or the version serves already or has never served.
        Fenced: the pointer has moved since the person decided.
    """
    now = registry.stable(store, surface)
    if now is None:
        raise Refused(f"Nothing is stable on {surface}, so there is nothing to go back from", f"Run start_{surface} first")
    if epoch is not None and epoch != now.epoch:
        raise registry.Fenced(
            f"Stable of {surface} has moved to version {now.version} since the roll-back was asked for",
            "Look again, and ask again if it is still wanted",
        )
    if version == now.version:
        raise Refused(f"Version {version} serves {surface} already", "Name another version, or pin this one")
    known = [move.version for move in history.read(store, surface).ways_back]
    if not known:
        raise Refused(f"No version served {surface} before version {now.version}", "There is nothing to go back to")
    version = known[0] if version is None else version
    if version not in known:
        raise Refused(
            f"Version {version} has never served {surface}: only a release may let it",
            f"Choose one of {', '.join(map(str, known))}",
        )
    return Plan(surface=surface, before=now, after=registry.find(store, surface, version))


def hold(store: Store, going: Plan, by: str, why: str) -> Switch | None:
    """Pin the surface to where it goes, and return the pin that it had."""
    now = switches.read(store, going.surface).now()
    if not now.pin or now.pin.version != going.after.version:
        switches.pin(store, going.surface, going.after.version, by, f"rolled back by hand: {why}"[:300])
    return now.pin


def let_go(store: Store, going: Plan, by: str, had: Switch | None) -> None:
    """Give the surface back the pin that it had: the roll-back did not happen."""
    if had and had.version is not None and had.version != going.after.version:
        switches.pin(store, going.surface, had.version, had.by, had.why, had.until)
    else:
        switches.unpin(store, going.surface, by)


def move(store: Store, going: Plan, run: str, by: str, why: str) -> Pointer:
    """Move the pointer, on the condition that it is still where it was seen.

    Raises:
        Fenced: it is not.
        Conflict: it moved in this very moment.
    """
    key = registry.stable_key(going.surface)
    before = store.etag(key)
    if registry.stable(store, going.surface) != going.before:
        raise registry.Fenced(f"Stable of {going.surface} has moved meanwhile", "Look again, and ask again")
    pointer = Pointer(
        version=going.after.version,
        name=going.after.name,
        night=going.before.night,
        epoch=going.before.epoch + 1,
        release=names.release(run),
    )
    store.write(key, dumps(pointer.model_dump(mode="json")), expect=before)
    served.note(store, going.surface, pointer, by=by, why=why)
    return pointer
