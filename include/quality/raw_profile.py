"""What there is to count in a night's raw events."""

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from include.features.chain import catalogue_night
from include.parquet import read_small
from include.sources.replay import is_one_of
from include.sources.source import EVENTS, Usual
from include.store.objects import Store
from include.store.partitions import fetch, find_manifest

KEYS = ("household", "product", "basket", "store")
MEASURES = ("quantity", "cents", "discount_cents", "at", "day")
WEEKS_BACK = 4
ENOUGH = 100
"""Mean rows of the past weekdays below which a row count is not judged: small numbers jump."""


def raw_profile(
    store: Store, nights: Sequence[dt.date], closed: frozenset[dt.date], usual: Usual | None = None
) -> Iterator[dict[str, Any]]:
    """One mapping a night. `closed` are the days on which the shop has no business, `usual` what is not odd in it.

    Raises:
        Missing: a night was not landed. Damaged: its file has other bytes.
    """
    read, catalogue = None, frozenset[str]()
    for night in nights:
        if (known := catalogue_night(store, night)) != read:
            read, catalogue = known, frozenset(read_small(fetch(store, "products", [known])[0])["product"].to_pylist())
        (path,) = fetch(store, "events", [night])
        yield profile_night(path, night, catalogue, usual or Usual()) | _expected_rows(store, night, night in closed)


def profile_night(path: Path, night: dt.date, catalogue: frozenset[str], usual: Usual) -> dict[str, Any]:
    """Counts of one night's file; a missing column or one of another type is counted, then read as if empty."""
    table = read_small(path)
    missing = [name for name in EVENTS.names if name not in table.column_names]
    wrong = [field.name for field in EVENTS if field.name not in missing and table.schema.field(field.name).type != field.type]
    rows = table.num_rows
    usable = {name: table[name] for name in EVENTS.names if name not in missing and name not in wrong}
    full = pa.table([usable.get(field.name, pa.nulls(rows, field.type)) for field in EVENTS], schema=EVENTS)
    nulls = {name: full[name].null_count if name in usable else 0 for name in (*KEYS, *MEASURES)}
    return {
        "night": str(night),
        "rows": rows,
        "columns_missing": len(missing),
        "columns_wrong": len(wrong),
        "names_missing": ", ".join(missing),
        "names_wrong": ", ".join(wrong),
        **{f"{name}_nulls": count for name, count in nulls.items()},
        **{f"{name}_null_share": count / max(rows, 1) for name, count in nulls.items()},
        "other_day": _count(pc.not_equal(full["day"], pa.scalar(night, pa.date32()))),
        "doubled": _doubled(full),
        "quantity_zero": _count(pc.equal(full["quantity"], 0)),
        "quantity_negative": _count(pc.less(full["quantity"], 0)),
        "quantity_large": _count(pc.greater(full["quantity"], usual.quantity)),
        "cents_zero": _count(pc.equal(full["cents"], 0)),
        "cents_negative": _count(pc.less(full["cents"], 0)),
        "cents_large": _count(pc.greater(full["cents"], usual.cents)),
        "discount_negative": _count(pc.less(full["discount_cents"], 0)),
        "unknown_product": _count(pc.invert(is_one_of(full["product"], catalogue))) - full["product"].null_count,
    }


def _count(mask: pa.ChunkedArray) -> int:
    return pc.sum(mask).as_py() or 0


def _doubled(table: pa.Table) -> int:
    """Rows beyond the first of each (basket, product); rows with a null key are counted elsewhere."""
    keys = table.select(["basket", "product"]).drop_null()
    return keys.num_rows - keys.group_by(["basket", "product"]).aggregate([]).num_rows


def _expected_rows(store: Store, night: dt.date, closed: bool) -> dict[str, Any]:
    """Rows of this night over the mean of the same weekday in the weeks before; null where that cannot be judged."""
    manifest = find_manifest(store, "events", night)
    rows = manifest.rows if manifest else 0
    earlier = [find_manifest(store, "events", night - dt.timedelta(weeks=week)) for week in range(1, WEEKS_BACK + 1)]
    counts = [found.rows for found in earlier if found is not None and found.rows]
    mean = sum(counts) / len(counts) if counts else 0.0
    judged = len(counts) >= 2 and mean >= ENOUGH and not closed
    return {"row_ratio": rows / mean if judged else None, "missing_day": int(rows == 0 and not closed), "closed": int(closed)}
