"""Look-ups beside purchases and catalogue: who a household is, what it was sent, and where its stores show a product."""

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from include.features.lookup import Table
from include.sources.extras import KINDS, TRAITS
from include.sources.landing import plan_night
from include.sources.late import in_force
from include.store.manifest import Manifest
from include.store.objects import Store
from include.store.partitions import list_nights

RUNNING = 5
"""So many campaigns of a household are looked at, those that began last; no household of the panel had more at a time."""


VISITS = 84
STORES = 4
"""So many stores of a household are looked at; in the panel they hold 98 of 100 baskets."""
LINES = ("household", "product", "basket", "store", "day", "known", "quantity", "cents")
NEAREST = tuple(f"store_{place}" for place in range(1, STORES + 1))
SHARES = tuple(f"share_{place}" for place in range(1, STORES + 1))
CAMPAIGNS = tuple(f"campaign_{place}" for place in range(1, RUNNING + 1))


def known(dataset: str) -> Callable[[Store, dt.date], Sequence[dt.date]]:
    """All partitions of a dataset up to the night, oldest first."""
    return lambda store, night: [one for one in list_nights(store, dataset) if one <= night]


def last_rows(rows: pa.Table, keys: tuple[str, ...]) -> pa.Table:
    """The last row of each key: what became known later replaces what was known before."""
    numbered = rows.append_column("row", pa.array(np.arange(rows.num_rows)))
    last = numbered.group_by(list(keys), use_threads=False).aggregate([("row", "max")])
    return rows.take(last["row_max"])


def demographics(rows: pa.Table, night: dt.date) -> pa.Table:
    """Each trait as its text, and as a number: 0 unknown, else its place among all texts, by the first number in them."""
    rows = last_rows(rows, ("household",))
    for trait in TRAITS:
        words = sorted({word for word in rows[trait].to_pylist() if word}, key=_size)
        code = pc.index_in(rows[trait].combine_chunks(), value_set=pa.array(words, pa.string()))
        rows = rows.append_column(f"{trait}_code", pc.add(code.fill_null(-1), 1))
    return rows.append_column("listed", pa.array(np.ones(rows.num_rows, np.int64)))


def _size(text: str) -> tuple[int, int, str]:
    """ "Under 15K" comes before "15-24K", and "250K+" last."""
    found = re.search(r"\d+", text)
    return (0 if text.lower().startswith("under") else 1, int(found.group()) if found else -1, text)


def running(rows: pa.Table, night: dt.date) -> pa.Table:
    """The campaigns that a household was sent and that still run on the day after the night, those that began last first."""
    rows = last_rows(rows, ("household", "campaign"))
    sent: dict[str, list[dict]] = {}
    for row in rows.sort_by([("start", "descending"), ("campaign", "ascending")]).to_pylist():
        sent.setdefault(row["household"], []).append(row)
    found = []
    for household, all_of_them in sent.items():
        now = [row for row in all_of_them if row["end"] > night][:RUNNING]
        names = {f"campaign_{place}": row["campaign"] for place, row in enumerate(now, 1)}
        left = max(((row["end"] - night).days for row in now), default=0)
        found.append({"household": household, "sent": len(all_of_them), "running": len(now), "days_left": left} | names)
    fields = [("household", pa.string()), *((name, pa.int64()) for name in ("sent", "running", "days_left"))]
    return pa.Table.from_pylist(found, pa.schema([*fields, *((name, pa.string()) for name in CAMPAIGNS)]))


def recent(store: Store, night: dt.date) -> Sequence[dt.date]:
    """The nights whose partitions hold what was delivered of the last VISITS days."""
    return [night - dt.timedelta(days=back) for back in range(VISITS - 1, -1, -1)]


def lines(store: Store, manifest: Manifest) -> pa.Table:
    """What visits are counted from, of the lines that one night delivered."""
    return pa.concat_tables([pq.read_table(store.fetch(file.sha256), columns=list(LINES)) for file in manifest.files])


def home(rows: pa.Table, night: dt.date) -> pa.Table:
    """The stores in which a household made its baskets of the last VISITS days, most baskets first, ties by the lowest id (as
    a text), and the share of all these baskets that each has. A basket counts whatever was paid for in it, as known on the
    night: a line that came late counts from then on, a corrected one as corrected.
    """
    rows = in_force(rows)
    paid = pc.and_(pc.greater(rows["quantity"], 0), pc.greater(rows["cents"], 0))
    young = pc.greater(rows["day"], pa.scalar(night - dt.timedelta(days=VISITS), pa.date32()))
    baskets = rows.filter(pc.and_(paid, young)).select(["household", "store", "day", "basket"])
    keys = ["household", "store"]
    visits = baskets.group_by([*keys, "day", "basket"]).aggregate([]).group_by(keys).aggregate([([], "count_all")])
    visits = visits.filter(pc.and_(pc.is_valid(visits["household"]), pc.is_valid(visits["store"])))
    order = [("household", "ascending"), ("count_all", "descending"), ("store", "ascending")]
    found: dict[str, list[tuple[str, int]]] = {}
    for row in visits.sort_by(order).to_pylist():
        found.setdefault(row["household"], []).append((row["store"], row["count_all"]))
    table = []
    for household, stores in found.items():
        total = sum(count for _, count in stores)
        nearest = {f"store_{i}": store for i, (store, _) in enumerate(stores[:STORES], 1)}
        shares = {f"share_{i}": count / total for i, (_, count) in enumerate(stores[:STORES], 1)}
        table.append({"household": household, "stores": len(stores), **nearest, **shares})
    texts = [(name, pa.string()) for name in ("household", *NEAREST)]
    return pa.Table.from_pylist(table, pa.schema([*texts, ("stores", pa.int64()), *((n, pa.float64()) for n in SHARES)]))


def counted(keys: tuple[str, ...], name: str) -> Callable[[pa.Table, dt.date], pa.Table]:
    """How many rows each of these keys has."""

    def shape(rows: pa.Table, night: dt.date) -> pa.Table:
        return rows.group_by(list(keys), use_threads=False).aggregate([([], "count_all")]).rename_columns({"count_all": name})

    return shape


def placed(store: Store, manifest: Manifest) -> pa.Table:
    """store, product, and 1 or 0 a kind of place, from a plan's words; pairs that are shown nowhere are left out."""
    files = {file.path: pq.read_table(store.fetch(file.sha256)) for file in manifest.files}
    plan, stores = files["placements.parquet"], files["stores.parquet"]["store"]
    bits = {kind: _bits(plan[kind], len(stores)) for kind in KINDS}
    product, place = np.nonzero(np.logical_or.reduce(list(bits.values())))
    shown = {kind: pa.array(on[product, place].astype(np.int64)) for kind, on in bits.items()}
    return pa.table({"store": stores.take(pa.array(place)), "product": plan["product"].take(pa.array(product)), **shown})


def in_stores(rows: pa.Table, night: dt.date) -> pa.Table:
    """In how many stores a product is shown, by kind of place."""
    counted = rows.group_by("product", use_threads=False).aggregate([(kind, "sum") for kind in KINDS])
    return counted.rename_columns({f"{kind}_sum": kind for kind in KINDS})


def _bits(words: pa.ChunkedArray, stores: int) -> np.ndarray:
    """bool [products, stores] of lists of 64-bit words."""
    if not len(words):
        return np.zeros((0, stores), bool)
    flat = words.combine_chunks().flatten().to_numpy().astype("<i8").reshape(len(words), -1)
    return np.unpackbits(flat.view(np.uint8), axis=1, bitorder="little")[:, :stores].astype(bool)


OFFERS: Mapping[str, Table] = {
    "demographics": Table(
        "households",
        ("household",),
        {"listed": "int", **dict.fromkeys(TRAITS, "text"), **{f"{trait}_code": "int" for trait in TRAITS}},
        known("households"),
        demographics,
    ),
    "campaigns": Table(
        "campaigns",
        ("household",),
        {**dict.fromkeys(("sent", "running", "days_left"), "int"), **dict.fromkeys(CAMPAIGNS, "text")},
        known("campaigns"),
        running,
    ),
    "coupons": Table(
        "coupons", ("campaign", "product"), {"coupons": "int"}, known("coupons"), counted(("campaign", "product"), "coupons")
    ),
    "redemptions": Table(
        "redemptions", ("household",), {"redeemed": "int"}, known("redemptions"), counted(("household",), "redeemed")
    ),
    "redeemed_campaigns": Table(
        "redemptions",
        ("household", "campaign"),
        {"redeemed": "int"},
        known("redemptions"),
        counted(("household", "campaign"), "redeemed"),
    ),
    "home": Table(
        "events",
        ("household",),
        {"stores": "int", **dict.fromkeys(NEAREST, "text"), **dict.fromkeys(SHARES, "float")},
        recent,
        home,
        lines,
    ),
    "store_plan": Table(
        "placements",
        ("store", "product"),
        dict.fromkeys(KINDS, "int"),
        lambda store, night: [plan_night(night)],
        rows=placed,
    ),
}
