"""Landing: the source's days as partitions of the store, raw, as they came."""

import datetime as dt
import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from include.canonical import digest
from include.errors import Refused
from include.jobs.frame import progress
from include.parquet import write_canonical
from include.sources import extras
from include.sources.contract import NOBODY, Pins, accepted
from include.sources.late import late_lines
from include.sources.released import with_released
from include.sources.source import EVENTS, PRODUCTS, PROMOTIONS, Source
from include.store.manifest import Manifest
from include.store.objects import Store
from include.store.partitions import find_manifest, list_nights, publish

TRANSFORM = "land-2"
SCHEMAS = {"events": EVENTS, "products": PRODUCTS, "promotions": PROMOTIONS, **extras.SCHEMAS}
REQUIRED = ("events", "products", "promotions")
UNREAD = 0.01
"""Share of lines that cannot be read above which nothing is landed: a night without them would look whole."""

log = logging.getLogger("nightfill")


class Landing:
    """Brings a source's days into a store, and leaves alone what is there already.

    Args:
        folder: where files are written before the store takes them; emptied by the caller.
        pins: who reads what; what nobody reads may be left out when it is broken.
    """

    def __init__(self, store: Store, source: Source, folder: Path, pins: Pins = NOBODY) -> None:
        self.store = store
        self.source = source
        self.folder = folder
        self.pins = pins
        self.landed: Counter[str] = Counter()
        self.unchanged: Counter[str] = Counter()
        self.rows: Counter[str] = Counter()
        self.unread: dict[str, int] = {}
        self.late: dict[dt.date, dict[str, int]] = {}
        """The ledger of the nights that were landed now: late lines by business day."""

    def land(self, nights: Sequence[dt.date]) -> None:
        """Land events of these nights, the catalogue where it changed, the plans that the nights need, and what else there is.

        Raises:
            Refused: the source is missing, unreadable, breaks its contract, or many of its lines have no time; a line lies on
                a later day than the night that delivers it.
        """
        wanted = [name for name in (*REQUIRED, *self.source.extras) if self._accepted(name, nights)]
        known = {name: dict(self.source.known(name, nights)) for name in extras.DATASETS if name in wanted}
        self._events(nights)
        self._products(nights)
        self._promotions(nights, "placements" in wanted)
        for dataset, tables in known.items():
            self._extra(dataset, nights, tables)

    def _accepted(self, dataset: str, nights: Sequence[dt.date]) -> bool:
        contract = self.source.contract(dataset)
        return accepted(contract, lambda: self.source.delivered(dataset, nights[0], nights[-1]), self.pins, dataset in REQUIRED)

    def _events(self, nights: Sequence[dt.date]) -> None:
        inputs = source_inputs(self.source, "events")
        wanted = [night for night in nights if self._stale("events", night, inputs)]
        if not wanted:
            return
        events = self.source.read_events(wanted[0], wanted[-1])
        self._refuse_unread(wanted[0], wanted[-1])
        opening, since = self.source.days()[0], time.time()
        delivered, released = with_released(self.store, by_night(events, wanted))
        late = {night: lines for night, table in delivered if (lines := late_lines(table, night))}
        for done, (night, table) in enumerate(delivered, start=1):
            meta = ({"opens": True} if night == opening else {}) | ({"late": late[night]} if night in late else {})
            meta |= released.get(night, {})
            self._publish("events", night, {"events": table}, inputs, meta)
            if done % 50 == 0:
                progress(done, len(wanted), "nights landed", since)
        self.late = late

    def _products(self, nights: Sequence[dt.date]) -> None:
        inputs = source_inputs(self.source, "products")
        for night in nights:
            if self._stale("products", night, inputs) and (table := self.source.products(night)) is not None:
                self._publish("products", night, {"products": table}, inputs)

    def _promotions(self, nights: Sequence[dt.date], placed: bool) -> None:
        datasets = ("promotions", "placements") if placed else ("promotions",)
        inputs = {dataset: source_inputs(self.source, dataset) for dataset in datasets}
        sundays = sorted({plan_night(night) for night in nights})
        own = [day for day in sundays if day >= nights[0] or find_manifest(self.store, "promotions", day) is None]
        stale = {dataset: {day for day in own if self._stale(dataset, day, inputs[dataset])} for dataset in datasets}
        wanted = [day for day in own if any(day in days for days in stale.values())]
        for plan in self.source.promotions([day + dt.timedelta(days=1) for day in wanted]):
            sunday = plan.monday - dt.timedelta(days=1)
            if sunday in stale["promotions"]:
                self._publish("promotions", sunday, {"promotions": plan.promotions}, inputs["promotions"])
            if sunday in stale.get("placements", ()):
                self._publish("placements", sunday, plan.placed, inputs["placements"])

    def _extra(self, dataset: str, nights: Sequence[dt.date], tables: Mapping[dt.date, pa.Table]) -> None:
        """Land the rows of an optional dataset that became known on these nights; what is no longer delivered becomes empty."""
        inputs = source_inputs(self.source, dataset)
        for night in sorted(set(nights) & (tables.keys() | set(list_nights(self.store, dataset)))):
            if self._stale(dataset, night, inputs):
                table = tables.get(night, SCHEMAS[dataset].empty_table())
                self._publish(dataset, night, {dataset: table}, inputs)

    def _refuse_unread(self, first: dt.date, last: dt.date) -> None:
        found = self.source.unread(first, last)
        said = "; ".join(f"{count} of {found.lines} lines {reason}" for reason, count in found.reasons.items())
        if sum(found.reasons.values()) > UNREAD * found.lines:
            raise Refused(said, "Correct the source file")
        if said:
            log.warning("%s: these belong to no night", said)
        self.unread = dict(found.reasons)

    def _stale(self, dataset: str, night: dt.date, inputs: dict[str, str]) -> bool:
        why = why_landed(find_manifest(self.store, dataset, night), dataset, inputs)
        self.unchanged[dataset] += not why
        return bool(why)

    def _publish(
        self,
        dataset: str,
        night: dt.date,
        tables: Mapping[str, pa.Table],
        inputs: dict[str, str],
        meta: dict[str, Any] | None = None,
    ) -> None:
        """Make one partition visible: a file a table, the first of which is the dataset itself."""
        files = {
            f"{name}.parquet": write_canonical(table.cast(SCHEMAS[name]), self.folder / f"{name}-{night}.parquet")
            for name, table in tables.items()
        }
        publish(
            self.store,
            dataset,
            night,
            files,
            rows=tables[dataset].num_rows,
            columns={field.name: str(field.type) for field in SCHEMAS[dataset]},
            inputs=inputs,
            spec=_spec(dataset),
            transform=TRANSFORM,
            meta=meta,
        )
        for path in files.values():
            path.unlink()
        self.landed[dataset] += 1
        self.rows[dataset] += tables[dataset].num_rows


def source_inputs(source: Source, dataset: str) -> dict[str, str]:
    """What a partition is landed from: the source's bytes, and the version of the contract by which they were read."""
    return {"source": source.digest(dataset), "contract": source.contract(dataset).name}


def why_landed(found: Manifest | None, dataset: str, inputs: dict[str, str]) -> list[str]:
    """Why a partition is landed, a few words each; empty when it was landed from these inputs, so nothing is read."""
    return ["it is not landed yet"] if found is None else found.changes(inputs, _spec(dataset), TRANSFORM)


def _spec(dataset: str) -> str:
    return digest({field.name: str(field.type) for field in SCHEMAS[dataset]})


def plan_night(night: dt.date) -> dt.date:
    """The Sunday on which the promotion plan of the day after a night became known."""
    tomorrow = night + dt.timedelta(days=1)
    return tomorrow - dt.timedelta(days=tomorrow.weekday() + 1)


def by_night(events: pa.Table, nights: Sequence[dt.date]) -> list[tuple[dt.date, pa.Table]]:
    """EVENTS cut by the night that delivered them, each piece in the order that it had; a night without a line is empty."""
    days = events["known"].cast(pa.int32()).to_numpy()
    if (np.diff(days) < 0).any():
        order = np.argsort(days, kind="stable")
        events, days = events.take(pa.array(order)), days[order]
    numbers = [(night - dt.date(1970, 1, 1)).days for night in nights]
    low = np.searchsorted(days, numbers, side="left").tolist()
    high = np.searchsorted(days, numbers, side="right").tolist()
    return [(night, events.slice(a, b - a)) for night, a, b in zip(nights, low, high, strict=True)]
