"""A shop that delivers a CSV file a day: 130 households, three stores, the same quiet Thursday every week."""

import datetime as dt
from pathlib import Path
from typing import Any

from include.jobs.land_events import LandEvents
from include.jobs.validate_raw import ValidateRaw
from include.settings import SourceSpec
from include.store.objects import Store, open_store

NIGHT = dt.date(2024, 5, 16)
WEEKS = [NIGHT - dt.timedelta(weeks=week) for week in range(8, 0, -1)]
HEADER = "order,who,sku,shop,part,n,when,price"
MAPPING = """\
files: {kind: csv, names: "sales-*.csv", date: "sales-%Y-%m-%d.csv"}
zone: Europe/London
household: who
product: sku
basket: order
store: shop
department: part
time: {column: when}
quantity: n
price: {column: price, currency: GBP}
closed: {weekdays: [Monday, Tuesday, Wednesday, Friday, Saturday, Sunday]}
"""
Line = list[str]


def ordinary(day: dt.date) -> list[Line]:
    """Order, household, product, store, department, pieces, time, price a piece."""
    opens = dt.datetime(day.year, day.month, day.day, 9)
    return [
        [
            f"{day}-{i // 2}",
            f"secret{i // 2 % 130}",
            f"p{i % 12}",
            f"s{i // 2 % 3}",
            f"d{i % 4}",
            "1",
            (opens + dt.timedelta(minutes=i // 2)).isoformat(),
            f"{1 + i % 5}.49",
        ]
        for i in range(1100)
    ]


class DailyShop:
    """The shop's folder, and the two jobs that bring a night in."""

    def __init__(self, root: Path) -> None:
        self.root, self.folder = root, root / "files"
        self.folder.mkdir()
        (root / "nightfill.yaml").write_text(MAPPING)
        self.store: Store = open_store(str(root / "store"))

    def deliver(self, day: dt.date, lines: list[Line], header: str = HEADER) -> Path:
        path = self.folder / f"sales-{day}.csv"
        path.write_text("\n".join([header, *map(",".join, lines)]) + "\n")
        return path

    def fields(self, first: dt.date, last: dt.date | None = None) -> dict[str, Any]:
        spec = SourceSpec(
            name="shop",
            folder=str(self.folder),
            mapping=str(self.root / "nightfill.yaml"),
            first=str(WEEKS[0]),
            last=str(NIGHT + dt.timedelta(days=14)),
        )
        work = self.root / "work"
        return {
            "store": str(self.root / "store"),
            "source": spec,
            "work": work,
            "first": str(first),
            "last": str(last or first),
        }

    def land(self, first: dt.date, last: dt.date | None = None) -> dict[str, Any]:
        return LandEvents(**self.fields(first, last)).run()

    def night(self, night: dt.date, last: dt.date | None = None) -> dict[str, Any]:
        """Land and check; the result of the check."""
        self.land(night, last)
        return ValidateRaw(**self.fields(night, last)).run()

    def bytes(self, *datasets: str) -> dict[str, bytes]:
        """All manifests of some datasets."""
        keys = [key for name in datasets for key in self.store.list(f"datasets/{name}") if key.endswith("/manifest.json")]
        return {key: self.store.read(key) for key in keys}


def eight_weeks(root: Path) -> DailyShop:
    """The shop after eight Thursdays."""
    shop = DailyShop(root)
    for day in WEEKS:
        shop.deliver(day, ordinary(day))
    shop.night(WEEKS[0], WEEKS[-1])
    return shop
