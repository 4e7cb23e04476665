"""All that a page or a command tells about one surface. What cannot be read is told as a sentence beside the rest."""

from pydantic import BaseModel, ConfigDict

from include.errors import Refused
from include.rollout import names, record, registry, served, switches
from include.rollout.bundle import Pointer
from include.rollout.record import Record
from include.rollout.served import Move
from include.rollout.switches import Switches
from include.store.index import recall
from include.store.many import each
from include.store.objects import Store


class History(BaseModel):
    """One surface now and before: releases by night, newest last; moves of the pointer, oldest first; `versions` that the
    store still has.
    """

    model_config = ConfigDict(frozen=True)

    surface: str
    stable: Pointer | None
    switches: Switches
    records: tuple[Record, ...]
    moves: tuple[Move, ...]
    versions: tuple[int, ...] = ()
    faults: tuple[str, ...] = ()

    @property
    def ways_back(self) -> list[Move]:
        """The versions that have served and do not now, the one that served last first, each once."""
        serving = self.stable.version if self.stable else None
        latest = {move.version: move for move in self.moves if move.version in self.versions and move.version != serving}
        return sorted(latest.values(), key=lambda move: -move.epoch)


def read(store: Store, surface: str) -> History:
    """The history of a surface; a damaged record, note or switch file is a sentence in `faults`.

    Raises:
        Refused: the pointer cannot be read, or the name is none of a surface.
        TryAgain: the store does not answer.
    """
    records, faults = read_records(store, surface)
    stable = registry.stable(store, surface)
    try:
        found = switches.read(store, surface)
    except Refused as error:
        found, faults = Switches(), [*faults, f"{error} Nothing is released until then."]
    moves = served.moves(store, surface, records, stable)
    return History(
        surface=surface,
        stable=stable,
        switches=found,
        records=tuple(records),
        moves=tuple(moves),
        versions=tuple(entry["version"] for entry in registry.versions(store, surface)),
        faults=tuple(faults),
    )


def read_records(store: Store, surface: str) -> tuple[list[Record], list[str]]:
    """Every release that can be read, by night and id, and a sentence for each one that cannot."""
    folder = f"models/{names.surface(surface)}/releases"
    shown = {key.split("/")[3] for key in store.list(folder) if key.endswith("/record.json")}
    found = each(store, lambda release: _one(store, surface, release), sorted(shown | recall(store, folder)))
    records = [one for one in found if isinstance(one, Record)]
    return sorted(records, key=lambda one: (one.night, one.release)), [one for one in found if isinstance(one, str)]


def _one(store: Store, surface: str, release: str) -> Record | str | None:
    try:
        return record.find(store, surface, release)
    except Refused as error:
        return str(error)
