"""Everything that the morning report tells, read from the store and the run's working folder. No wording, no pictures."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from include import recipes
from include.canonical import digest
from include.rollout import record as records
from include.rollout import registry
from include.rollout.record import Record
from include.sources.late import late_of, late_shares
from include.store.document import unpack
from include.store.many import each
from include.store.objects import Missing, Store
from include.store.partitions import list_nights, read_manifest
from include.store.quarantine import quarantined

Json = dict[str, Any]
LEDGER = dt.timedelta(days=28)
"""How far back the page looks for late lines."""


class Surface(BaseModel):
    """One surface: its measures of the night, its releases (newest first) and its models by name."""

    model_config = ConfigDict(frozen=True)

    name: str
    measures: Json
    joined: Json
    releases: list[Record]
    pointer: Json | None
    cards: dict[str, Json]


class Dataset(BaseModel):
    """How much of a dataset is in the store by the end of the night."""

    model_config = ConfigDict(frozen=True)

    name: str
    partitions: int
    rows: int
    last: str
    last_rows: int


class Facts(BaseModel):
    """The whole page as values."""

    model_config = ConfigDict(frozen=True)

    night: dt.date
    source: str
    households: int | None
    surfaces: list[Surface]
    datasets: list[Dataset]
    late: dict[str, float] = {}
    """Business day -> the share of its lines that came late, of those that the last weeks' nights told of."""
    quarantined: dict[str, list[str]] = {}
    """Nights that are published without their events, and why."""


def read_facts(store: Store, night: dt.date, work: Path, source: str, households: int | None) -> Facts:
    """What is known by the end of a night.

    Raises:
        Missing: no surface was measured for this night.
    """
    found = [read_surface(store, name, night, work) for name in recipes.surfaces() if _measured(store, name, night)]
    if not found:
        raise Missing(f"No surface was measured for {night}", "Run measure_night of that night first")
    datasets, late = read_datasets(store, night), read_late(store, night)
    aside = {str(one): why for one, why in quarantined(store).items() if one <= night}
    facts = Facts(night=night, source=source, households=households, surfaces=found, datasets=datasets, late=late)
    return facts.model_copy(update={"quarantined": aside})


def read_surface(store: Store, name: str, night: dt.date, work: Path) -> Surface:
    pointer = registry.stable(store, name)
    releases = [record for record in records.all_of(store, name) if record.night <= night and not record.drill]
    cards = {entry["name"]: registry.find(store, name, entry["name"]).card for entry in registry.versions(store, name)}
    joined = work / "joined.json"
    counted = json.loads(joined.read_bytes()) if joined.exists() else {}
    return Surface(
        name=name,
        measures=unpack(store.read(_key(name, night)), _key(name, night), "measures of a night", "Run measure_night again"),
        joined=counted if counted.get("surface", name) == name else {},
        releases=releases[::-1],
        pointer=pointer.model_dump(mode="json") if pointer else None,
        cards=cards,
    )


def read_late(store: Store, night: dt.date) -> dict[str, float]:
    """The ledger of late lines as of a night; most of it at the top."""
    nights = [one for one in list_nights(store, "events") if night - LEDGER < one <= night]
    days = {day for one in nights for day in late_of(read_manifest(store, "events", one))}
    shares = late_shares(store, days, night)
    return dict(sorted(shares.items(), key=lambda item: (-item[1], item[0])))


def read_datasets(store: Store, night: dt.date) -> list[Dataset]:
    """Partitions up to the night, by dataset."""
    names = sorted({key.split("/")[1] for key in store.list("datasets")})
    return [found for name in names if (found := _read_dataset(store, name, night))]


def _read_dataset(store: Store, name: str, night: dt.date) -> Dataset | None:
    nights = [one for one in list_nights(store, name) if one <= night]
    rows = [manifest.rows for manifest in each(store, lambda one: read_manifest(store, name, one), nights)]
    if not nights:
        return None
    return Dataset(name=name, partitions=len(nights), rows=sum(rows), last=nights[-1].isoformat(), last_rows=rows[-1])


def fingerprint(facts: Facts) -> str:
    """Digest of everything that is told: the same facts give the same page."""
    return digest(facts.model_dump(mode="json"))[:16]


def _measured(store: Store, surface: str, night: dt.date) -> bool:
    try:
        store.read(_key(surface, night))
    except Missing:
        return False
    return True


def _key(surface: str, night: dt.date) -> str:
    return f"measures/{surface}/{night.isoformat()}/measures.json"
