"""Landing: the source's days as partitions of the store, raw, as they came."""

import datetime as dt
import logging
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from include.canonical import digest
from include.errors import Refused
from include.jobs.frame import progress
from include.parquet import write_canonical
from include.sources.source import EVENTS, PRODUCTS, PROMOTIONS, Source
from include.store.manifest import Manifest
from include.store.objects import Store
from include.store.partitions import find_manifest, publish

TRANSFORM = "land-1"
SCHEMAS = {"events": EVENTS, "products": PRODUCTS, "promotions": PROMOTIONS}
UNREAD = 0.01
"""Share of lines that cannot be read above which nothing is landed: a night without them would look whole."""

log = logging.getLogger("nightfill")


class Landing:
    """Brings a source's days into a store, and leaves alone what is there already.

    Args:
        folder: where files are written before the store takes them; emptied by the caller.
    """

    def __init__(self, store: Store, source: Source, folder: Path) -> None:
        self.store = store
        self.source = source
        self.folder = folder
        self.landed: Counter[str] = Counter()
        self.unchanged: Counter[str] = Counter()
        self.rows: Counter[str] = Counter()
        self.unread: dict[str, int] = {}

    def land(self, nights: Sequence[dt.date]) -> None:
        """Land events of these nights, the catalogue where it changed, and the plans that the nights need.

        Raises:
            Refused: the source is missing, unreadable, or many of its lines have no time.
        """
        self._events(nights)
        self._products(nights)
        self._promotions(nights)

    def _events(self, nights: Sequence[dt.date]) -> None:
        inputs = source_inputs(self.source, "events")
        wanted = [night for night in nights if self._stale("events", night, inputs)]
        if not wanted:
            return
        events = self.source.read_events(wanted[0], wanted[-1])
        self._refuse_unread(wanted[0], wanted[-1])
        opening, since = self.source.days()[0], time.time()
        for done, (night, table) in enumerate(by_day(events, wanted), start=1):
            self._publish("events", night, table, inputs, {"opens": True} if night == opening else {})
            if done % 50 == 0:
                progress(done, len(wanted), "nights landed", since)

    def _products(self, nights: Sequence[dt.date]) -> None:
        inputs = source_inputs(self.source, "products")
        for night in nights:
            if self._stale("products", night, inputs) and (table := self.source.products(night)) is not None:
                self._publish("products", night, table, inputs)

    def _promotions(self, nights: Sequence[dt.date]) -> None:
        inputs = source_inputs(self.source, "promotions")
        sundays = sorted({plan_night(night) for night in nights})
        own = [day for day in sundays if day >= nights[0] or find_manifest(self.store, "promotions", day) is None]
        wanted = [day for day in own if self._stale("promotions", day, inputs)]
        mondays = [day + dt.timedelta(days=1) for day in wanted]
        for monday, table in self.source.promotions(mondays):
            self._publish("promotions", monday - dt.timedelta(days=1), table, inputs)

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
        self, dataset: str, night: dt.date, table: pa.Table, inputs: dict[str, str], meta: dict[str, bool] | None = None
    ) -> None:
        path = write_canonical(table.cast(SCHEMAS[dataset]), self.folder / f"{dataset}-{night}.parquet")
        columns = {field.name: str(field.type) for field in SCHEMAS[dataset]}
        publish(
            self.store,
            dataset,
            night,
            {f"{dataset}.parquet": path},
            rows=table.num_rows,
            columns=columns,
            inputs=inputs,
            spec=_spec(dataset),
            transform=TRANSFORM,
            meta=meta,
        )
        path.unlink()
        self.landed[dataset] += 1
        self.rows[dataset] += table.num_rows


def source_inputs(source: Source, dataset: str) -> dict[str, str]:
    """What a partition is landed from: the source's bytes."""
    return {"source": source.digest(dataset)}


def why_landed(found: Manifest | None, dataset: str, inputs: dict[str, str]) -> list[str]:
    """Why a partition is landed, a few words each; empty when it was landed from these inputs, so nothing is read."""
    return ["it is not landed yet"] if found is None else found.changes(inputs, _spec(dataset), TRANSFORM)


def _spec(dataset: str) -> str:
    return digest({field.name: str(field.type) for field in SCHEMAS[dataset]})


def plan_night(night: dt.date) -> dt.date:
    """The Sunday on which the promotion plan of the day after a night became known."""
    tomorrow = night + dt.timedelta(days=1)
    return tomorrow - dt.timedelta(days=tomorrow.weekday() + 1)


def by_day(events: pa.Table, nights: Sequence[dt.date]) -> list[tuple[dt.date, pa.Table]]:
    """EVENTS in date order, cut by day; a day without a line gives an empty table."""
    days = events["day"].cast(pa.int32()).to_numpy()
    numbers = [(night - dt.date(1970, 1, 1)).days for night in nights]
    low = np.searchsorted(days, numbers, side="left").tolist()
    high = np.searchsorted(days, numbers, side="right").tolist()
    return [(night, events.slice(a, b - a)) for night, a, b in zip(nights, low, high, strict=True)]
