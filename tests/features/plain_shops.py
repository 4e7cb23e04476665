"""Random shops, published as the ETL would, beside the plain evaluation of them."""

import datetime as dt
import random
import tempfile
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import pyarrow as pa

from include.features.entries import ENTRIES
from include.features.kinds import NUMBERS, kind_of
from include.features.lookups import TABLES
from include.features.spec import SIDES, FeatureSpec
from include.parquet import write_canonical
from include.recipes.columns import Columns
from include.sources import extras
from include.sources.extras import KINDS
from include.sources.landing import plan_night
from include.sources.source import PRODUCTS, PROMOTIONS
from include.store.objects import Store, open_store
from include.store.partitions import publish
from tests.features.plain_etl import Purchase, known_on, publish_shop
from tests.features.plain_features import PlainNight
from tests.features.plain_late import publish_late_shop

START = dt.date(2016, 11, 7)
STORES = [{"store": name} for name in ("s0", "s1", "s9")]
SHOPS = {"dense": (1, 30, 120), "year": (2, 400, 80), "lonely": (3, 9, 3), "late": (4, 12, 40)}
"""Seed, nights and lines of each random shop."""


def all_columns() -> Columns:
    """Every entry that a recipe may choose."""
    kinds = {key: kind_of(entry.value, key[0]) for key, (_, entry) in ENTRIES.items()}
    return Columns(
        **{
            side: tuple(
                name
                for (entity, name), kind in kinds.items()
                if entity in entities and (kind == "list" if side == "sequences" else kind in NUMBERS)
            )
            for side, entities in SIDES.items()
        }
    )


@dataclass(frozen=True)
class PlainShop:
    """A published shop and its lines."""

    store: Store
    lines: list[Purchase]
    last: int
    spec: FeatureSpec
    country: str = "US"

    def date(self, night: int) -> dt.date:
        return START + dt.timedelta(days=night)

    def plain(self, night: int, products: list[str]) -> PlainNight:
        """The shop as of a night, without the feature store."""
        tables = {name: TABLES[name].read(self.store, self.date(night)).to_pylist() for name in TABLES}
        return PlainNight(known_on(self.lines, night), START, night, products, tables, self.country)


@lru_cache
def plain_shop(name: str) -> PlainShop:
    """One of SHOPS, published in a folder of its own."""
    seed, nights, count = SHOPS[name]
    rng, folder = random.Random(seed), Path(tempfile.mkdtemp())
    lines = [
        Purchase(
            household=f"h{rng.randint(1, 7)}",
            product=rng.choice("abcdef"),
            day=rng.randrange(nights),
            units=rng.randint(1, 3),
            cents=rng.randint(1, 500),
            discount=rng.choice((0, 0, rng.randint(1, 100))),
        )
        for _ in range(count)
    ]
    store = open_store(str(folder / "store"))
    if name == "late":
        lines = _late(lines, nights, rng)
        publish_late_shop(store, folder, lines, START, nights - 1)
    else:
        publish_shop(store, folder, lines, START, nights - 1)
    _describe(store, folder, nights, rng)
    return PlainShop(store, lines, nights - 1, FeatureSpec(columns=all_columns(), universe_households=2))


def _late(lines: list[Purchase], nights: int, rng: random.Random) -> list[Purchase]:
    """Some of the lines come late; some are corrected or cancelled on a later night."""
    out = []
    for number, line in enumerate(lines):
        known = min(nights - 1, line.day + rng.choice((0, 0, 1, 4)))
        out.append(replace(line, known=known, line=number))
        if known < nights - 1 and rng.random() < 0.3:
            change = rng.choice(({"units": 0}, {"cents": 7}, {"household": "h1"}))
            out.append(replace(out[-1], known=rng.randint(known + 1, nights - 1), **change))
    return out


def _describe(store: Store, folder: Path, nights: int, rng: random.Random) -> None:
    """A catalogue that changes on the fifth night and leaves a product out, a plan for most weeks, and what else there is."""
    named = [{"product": name, "type": f"Type-{name in 'abc'}", "category": None, "merchandise": True} for name in "abcde"]
    _publish(store, folder, "products", START + dt.timedelta(days=4), pa.Table.from_pylist(named, PRODUCTS))
    for sunday in sorted({plan_night(START + dt.timedelta(days=night)) for night in range(nights)}):
        week = sunday + dt.timedelta(days=1)
        plan = [
            {"product": name, "week_start": week, "display_stores": rng.randint(0, 5), "mailer_stores": 1, "stores": 5}
            for name in "abxz"
        ]
        if rng.random() < 0.8:
            _publish(store, folder, "promotions", sunday, pa.Table.from_pylist(plan, PROMOTIONS))
            words = [{"product": name, **{kind: [rng.randrange(8)] for kind in KINDS}} for name in "abxz"]
            _publish(store, folder, "placements", sunday, _extra("placements", words), _extra("stores", STORES))
    traits = [{"household": name, "age": rng.choice(("25-34", "65+", None))} for name in ("h1", "h2", "h7")]
    _publish(store, folder, "households", START, _extra("households", traits))
    for night in range(0, nights, 3):
        today, named = START + dt.timedelta(days=night), {"campaign": f"c{night % 7}"}
        sent = {"household": f"h{rng.randint(1, 4)}", "kind": "A", "start": today, "end": today + dt.timedelta(days=8)}
        _publish(store, folder, "campaigns", today, _extra("campaigns", [named | sent]))
        coupons = [named | {"coupon": str(number), "product": rng.choice("abcdefz")} for number in range(4)]
        _publish(store, folder, "coupons", today, _extra("coupons", coupons))
        redeemed = named | {"coupon": "1", "household": f"h{rng.randint(1, 4)}", "day": today}
        _publish(store, folder, "redemptions", today, _extra("redemptions", [redeemed]))


def _extra(name: str, rows: list[dict]) -> pa.Table:
    return pa.Table.from_pylist(rows, extras.SCHEMAS[name])


def _publish(store: Store, folder: Path, dataset: str, night: dt.date, table: pa.Table, stores: pa.Table | None = None) -> None:
    tables = {dataset: table} | ({"stores": stores} if stores else {})
    paths = {f"{name}.parquet": write_canonical(one, folder / f"{name}.parquet") for name, one in tables.items()}
    said = {"columns": {}, "inputs": {}, "spec": "s", "transform": "t"}
    publish(store, dataset, night, paths, rows=table.num_rows, **said)
