"""The ETL again in plain Python, a line at a time: slow, short, and without a window in sight."""

import datetime as dt
import itertools
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from include.features.build import Build, raw_inputs
from include.features.publish import prepare, publish_night
from include.features.state import find_past, write_states
from include.features.tables import DATASETS, SCHEMAS
from include.parquet import write_canonical
from include.sources.late import late_lines
from include.sources.source import EVENTS, PRODUCTS
from include.store.objects import Store
from include.store.partitions import publish


@dataclass(frozen=True)
class Purchase:
    household: str
    product: str
    day: int
    units: int
    cents: int
    discount: int
    known: int = -1
    """The night that delivered it; the day itself where there is none."""
    line: int = -1
    """Which line it is: a later one of the same number and day corrects it. Without, a line is like no other."""

    @property
    def night(self) -> int:
        return max(self.day, self.known)


def known_on(lines: list[Purchase], night: int) -> list[Purchase]:
    """The lines in force as known on a night; of a cancelled one nothing is left."""
    newest: dict[tuple, Purchase] = {}
    for place, line in enumerate(lines):
        key = (line.day, line.line, line.product) if line.line >= 0 else (place,)
        if line.night <= night and (key not in newest or newest[key].night < line.night):
            newest[key] = line
    return [line for line in newest.values() if line.units > 0 and line.cents > 0]


def land_shop(store: Store, folder: Path, lines: list[Purchase], start: dt.date, nights: list[dt.date]) -> None:
    """Events, as they were delivered, and catalogue of a shop of these lines; each line is a basket of its own."""
    texts = {"spec": "s", "transform": "t"}
    for number, night in enumerate(nights):
        today = [(place, line) for place, line in enumerate(lines) if line.night == number]
        rows = [
            {
                "household": line.household,
                "product": line.product,
                "basket": f"line-{line.line}" if line.line >= 0 else f"basket-{place}",
                "store": "s1",
                "day": start + dt.timedelta(days=line.day),
                "known": night,
                "at": dt.datetime.combine(start, dt.time(12), dt.UTC) + dt.timedelta(days=line.day),
                "quantity": line.units,
                "cents": line.cents,
                "discount_cents": line.discount,
            }
            for place, line in today
        ]
        table = pa.Table.from_pylist(rows, EVENTS)
        path = write_canonical(table, folder / "events.parquet")
        meta = ({"opens": True} if night == start else {}) | ({"late": late} if (late := late_lines(table, night)) else {})
        publish(store, "events", night, {"events.parquet": path}, rows=len(rows), columns={}, inputs={}, meta=meta, **texts)
    products = [{"product": name, "type": f"type {name}", "merchandise": True} for name in sorted({x.product for x in lines})]
    path = write_canonical(pa.Table.from_pylist(products, PRODUCTS), folder / "products.parquet")
    publish(store, "products", start, {"products.parquet": path}, rows=len(products), columns={}, inputs={}, **texts)


def publish_shop(store: Store, folder: Path, lines: list[Purchase], start: dt.date, last: int) -> None:
    """Land, compute and publish the nights 0 to last."""
    nights = [start + dt.timedelta(days=i) for i in range(last + 1)]
    land_shop(store, folder, lines, start, nights)
    compute(store, folder / "features", [line for line in lines if line.day <= last], nights)
    for night in prepare(store, folder / "features"):
        publish_night(store, night)


def compute(store: Store, out: Path, lines: list[Purchase], nights: list[dt.date], only: list[dt.date] | None = None) -> None:
    """Write a build's folder, as Builder.build does; `only` writes some of the nights, the rest being published."""
    rows, only = feature_rows(lines, nights), only or nights
    for dataset in DATASETS:
        for number, night in enumerate(nights):
            if night not in only:
                continue
            table = pa.Table.from_pylist(rows[dataset][number], SCHEMAS[dataset])
            write_canonical(table, out / dataset / f"{night}.parquet")
    write_states(find_past(store, only[0]), out, only)
    Build(only, [], {}, raw_inputs(store, only)).write(out)


def feature_rows(lines: list[Purchase], nights: list[dt.date]) -> dict[str, list[list[dict]]]:
    """Rows of every dataset by night number."""
    out: dict[str, list[list[dict]]] = {dataset: [[] for _ in nights] for dataset in DATASETS}
    index: dict[str, int] = {}
    for number, night in enumerate(nights):
        today = [line for line in lines if line.day == number]
        for product in sorted({line.product for line in today} - set(index)):
            index[product] = len(index)
            out["product_index"][number].append({"product": product, "product_index": index[product], "first_day": night})
        for household, product in sorted({(x.household, x.product) for x in today}, key=lambda k: (k[0], index[k[1]])):
            out["household_product"][number].append(_pair(lines, number, nights, household, product, index))
        for product in sorted({x.product for x in today}, key=index.__getitem__):
            out["product"][number].append(_product(lines, number, nights, product, index))
        for household in sorted({x.household for x in today}):
            out["household"][number].append(_household(lines, number, nights, household))
    return out


def _sums(lines: list[Purchase]) -> dict[str, int]:
    return {
        "units": sum(x.units for x in lines),
        "cents": sum(x.cents for x in lines),
        "discount_cents": sum(x.discount for x in lines),
    }


def _pair(lines, number, nights, household, product, index) -> dict:
    mine = [x for x in lines if (x.household, x.product) == (household, product) and x.day <= number]
    days = sorted({x.day for x in mine})
    total = _sums(mine)
    return {
        "household": household,
        "product_index": index[product],
        "day": nights[number],
        "known": nights[number],
        "baskets": sum(x.day == number for x in mine),
        **_sums([x for x in mine if x.day == number]),
        "days_total": len(days),
        "units_total": total["units"],
        "cents_total": total["cents"],
        "first_day": nights[days[0]],
        "previous_day": nights[days[-2]] if len(days) > 1 else None,
        "gap_square_total": sum((b - a) ** 2 for a, b in itertools.pairwise(days)),
    }


def _first_days(lines: list[Purchase]) -> dict[tuple[str, str], int]:
    first: dict[tuple[str, str], int] = defaultdict(lambda: 10**6)
    for x in lines:
        first[x.household, x.product] = min(first[x.household, x.product], x.day)
    return first


def _product(lines, number, nights, product, index) -> dict:
    mine = [x for x in lines if x.product == product and x.day <= number]
    pairs = {(x.household, x.day) for x in mine}
    first, total = _first_days(mine), _sums(mine)
    return {
        "product_index": index[product],
        "day": nights[number],
        "known": nights[number],
        "buyers": sum(day == number for _, day in pairs),
        "new_buyers": sum(day == number for day in first.values()),
        **_sums([x for x in mine if x.day == number]),
        "buyers_total": len(pairs),
        "new_buyers_total": len(first),
        **{f"{name}_total": value for name, value in total.items()},
    }


def _household(lines, number, nights, household) -> dict:
    mine = [x for x in lines if x.household == household and x.day <= number]
    today = [x for x in mine if x.day == number]
    first = _first_days(mine)
    return {
        "household": household,
        "day": nights[number],
        "known": nights[number],
        "baskets": len(today),
        "products": len({x.product for x in today}),
        "new_products": sum(day == number for day in first.values()),
        "cents": sum(x.cents for x in today),
        "baskets_total": len(mine),
        "products_total": len({(x.product, x.day) for x in mine}),
        "new_products_total": len(first),
        "cents_total": sum(x.cents for x in mine),
        "days_total": len({x.day for x in mine}),
        "first_day": nights[min(x.day for x in mine)],
    }
