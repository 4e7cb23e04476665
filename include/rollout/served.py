"""What served when: one small note for each move of the pointer, beside it.

models/<surface>/served/<epoch>.json   written after the pointer has moved; a missing one is told from the release records
"""

import json
import time
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, ValidationError

from include.canonical import dumps
from include.rollout import names
from include.rollout.bundle import Pointer
from include.rollout.record import Record
from include.rollout.verdict import Kind
from include.store.index import recall, remember
from include.store.objects import Missing, Store


class Move(BaseModel):
    """Since `at` (Unix seconds; 0 when nobody noted it) this version answers. `by` and `why` are of a roll-back by hand."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    epoch: int
    version: int
    name: str
    night: str
    release: str
    at: float = 0.0
    by: str = ""
    why: str = ""


def note(store: Store, surface: str, pointer: Pointer, by: str = "", why: str = "", at: float | None = None) -> None:
    """Write down a move of the pointer, with the moment."""
    move = move_of(pointer).model_copy(update={"at": time.time() if at is None else at, "by": by, "why": why})
    name = f"{pointer.epoch:06d}.json"
    store.write(f"{_folder(surface)}/{name}", dumps(move.model_dump(mode="json")))
    remember(store, _folder(surface), [name])


def moves(store: Store, surface: str, records: Sequence[Record], stable: Pointer | None) -> list[Move]:
    """All moves of a surface's pointer, oldest first: from the notes, and where one is missing from what releases say."""
    found = {move.epoch: move for move in _told(records, stable)}
    shown = {key.rsplit("/", 1)[1] for key in store.list(_folder(surface))}
    for name in sorted((shown | recall(store, _folder(surface))) - {"index.json"}):
        try:
            move = Move.model_validate(json.loads(store.read(f"{_folder(surface)}/{name}")))
        except (ValidationError, ValueError, Missing):
            continue  # a damaged note is as good as none
        found[move.epoch] = move
    return [found[epoch] for epoch in sorted(found)]


def move_of(pointer: Pointer) -> Move:
    """A move of which only the pointer is known."""
    return Move(
        epoch=pointer.epoch,
        version=pointer.version,
        name=pointer.name,
        night=pointer.night.isoformat(),
        release=pointer.release,
    )


def _told(records: Sequence[Record], stable: Pointer | None) -> list[Move]:
    known = [move_of(pointer) for pointer in (*(record.stable for record in records), stable) if pointer]
    return known + [_promoted(record) for record in records if record.verdict is Kind.PROMOTE]


def _promoted(record: Record) -> Move:
    return Move(
        epoch=(record.stable.epoch if record.stable else 0) + 1,
        version=record.candidate_version,
        name=record.candidate,
        night=record.night.isoformat(),
        release=record.release,
        at=record.steps[-1].ended if record.steps else 0.0,
    )


def _folder(surface: str) -> str:
    return f"models/{names.surface(surface)}/served"
