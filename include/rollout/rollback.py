"""Go back to an earlier version by hand: what it would do, and the move of the pointer.

The pointer keeps its night and its epoch rises: the release of an older night still loses, and a release that is under way
finds that stable has moved. The surface is then pinned to the version, or the next night would promote again.
"""

from pydantic import BaseModel, ConfigDict

from include.canonical import dumps
from include.errors import Refused
from include.rollout import names, registry, served, switches
from include.rollout.bundle import Bundle, Pointer
from include.rollout.switches import Switches
from include.store.objects import Store


class Plan(BaseModel):
    """What a roll-back would do. `epoch` is that of the pointer it was decided on."""

    model_config = ConfigDict(frozen=True)

    surface: str
    before: Pointer
    after: Bundle
    epoch: int


def plan(store: Store, surface: str, version: int | None = None) -> Plan:
    """The way back to a version; to the one that served before when none is given.

    Raises:
        Refused: nothing is stable, the version serves already, or is not known.
        Missing: no such version.
    """
    now = registry.stable(store, surface)
    if now is None:
        raise Refused(f"Nothing is stable on {surface}, so there is nothing to go back from", f"Run start_{surface} first")
    if version is None:
        version = _before(store, surface, now)
    if version not in [entry["version"] for entry in registry.versions(store, surface)]:
        raise Refused(f"Surface {surface} has no version {version}", "See `nightfill surface` for what it has")
    if version == now.version:
        raise Refused(f"Version {version} serves {surface} already", "Name another version, or pin this one")
    return Plan(surface=surface, before=now, after=registry.find(store, surface, version), epoch=now.epoch)


def move(store: Store, surface: str, version: int, run: str, by: str, why: str, epoch: int | None = None) -> Pointer:
    """Pin the surface to the version and move the pointer there. Doing it again with the same run changes nothing.

    Args:
        run: the id of the DAG run that does it.
        epoch: the pointer's epoch when the person decided; None means whatever serves.

    Raises:
        Fenced: the pointer has moved since.
        Refused: as `plan`.
    """
    names.release(run)
    now = registry.stable(store, surface)
    if now and (now.version, now.release) == (version, run):
        _pin(store, surface, version, by, why)
        return now
    going = plan(store, surface, version)
    if epoch is not None and epoch != going.epoch:
        raise registry.Fenced(
            f"Stable of {surface} has moved to version {going.before.version} since the roll-back was asked for",
            "Look again, and ask again if it is still wanted",
        )
    _pin(store, surface, version, by, why)
    before = store.etag(registry.stable_key(surface))
    if registry.stable(store, surface) != going.before:
        raise registry.Fenced(f"Stable of {surface} is moving just now", "Try again")
    pointer = Pointer(
        version=version, name=going.after.name, night=going.before.night, epoch=going.epoch + 1, release=names.release(run)
    )
    store.write(registry.stable_key(surface), dumps(pointer.model_dump(mode="json")), expect=before)
    served.note(store, surface, pointer, by=by, why=why)
    return pointer


def _pin(store: Store, surface: str, version: int, by: str, why: str) -> Switches:
    now = switches.read(store, surface).now()
    if now.pin and now.pin.version == version:
        return now
    return switches.pin(store, surface, version, by, f"rolled back by hand: {why}"[:300])


def _before(store: Store, surface: str, now: Pointer) -> int:
    from include.rollout import record

    known = served.moves(store, surface, record.all_of(store, surface), now)
    older = [move.version for move in known if move.version != now.version]
    if not older:
        raise Refused(f"No version served {surface} before version {now.version}", "There is nothing to go back to")
    return older[-1]
