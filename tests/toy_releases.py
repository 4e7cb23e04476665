"""A store with a surface that has a past: version 0 opened it, version 1 was promoted, version 2 was rolled back."""

import datetime as dt
from pathlib import Path

from include.rollout import record, registry, served
from include.rollout.record import Record, Step
from include.rollout.verdict import Kind
from include.store.objects import FolderStore, Store

NIGHT = dt.date(2017, 10, 22)
WEEK = dt.timedelta(days=7)
EVIL = "<script>alert(1)</script>"


def models(store: Store, folder: Path, count: int, first: int = 0, night: dt.date = NIGHT) -> None:
    """Register small models, version by version."""
    for number in range(first, first + count):
        bundle = folder / f"bundle-{number}"
        bundle.mkdir(parents=True)
        (bundle / "saved_model.pb").write_bytes(b"model %d" % number)
        registry.register(store, "home", bundle, f"{number:016x}", {"night": night.isoformat(), "recipe": "quick"}, {})


def release(store: Store, name: str, version: int, verdict: Kind | None, night: dt.date = NIGHT, **more: object) -> Record:
    """A release that has come to a verdict, with two steps."""
    begun = record.begin(
        store, "home", name, candidate=version, night=night, first=night, last=night, margin=0.02, weights=(5, 100)
    )
    step = Step(name="shadow", verdict=verdict or Kind.ADVANCE, reason=f"because {EVIL}", requests=1234, began=100, ended=190)
    ended = begun.model_copy(update={"steps": (step,), "verdict": verdict, "reason": f"in shadow: {EVIL}", **more})
    record.save(store, ended)
    return ended


def shop(folder: Path) -> FolderStore:
    """Version 1 serves since second 200."""
    store = FolderStore(folder / "store")
    models(store, folder, 3)
    served.note(store, "home", registry.promote(store, "home", 0, NIGHT, "start_home", epoch=0), at=50)
    release(store, "r1", 1, Kind.PROMOTE)
    served.note(store, "home", registry.promote(store, "home", 1, NIGHT, "r1", epoch=1), at=200)
    release(store, "r2", 2, Kind.ROLL_BACK, NIGHT + WEEK)
    return store
