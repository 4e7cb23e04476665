"""Whether counters go on: from a key's row before, or, where late lines changed its earlier days, from nothing."""

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from include.features.chain import nights_before
from include.features.restate import Touched, late_nights, touched_by
from include.features.state import Past
from include.features.tables import KEYS, SCHEMAS
from include.parquet import read_small
from include.store.objects import Store

CUMULATED = {
    "household_product": ("units", "cents"),
    "product": ("buyers", "new_buyers", "units", "cents", "discount_cents"),
    "household": ("baskets", "products", "new_products", "cents"),
}


def broken_counters(store: Store, folder: Path, nights: Sequence[dt.date], past: Past) -> dict[str, np.ndarray]:
    """`<dataset>_broken`, int [nights]: rows of a build whose counters do not go on, or are less than their own day's sums.

    A key goes on from its last published row before these nights. One that a night's late lines touch begins again, and one
    without a row before begins: with its day's sums. Nothing is counted in tables of another form.

    Args:
        past: what is known before these nights.
    """
    tables = {dataset: [read_small(folder / dataset / f"{night}.parquet") for night in nights] for dataset in SCHEMAS}
    if any(not table.schema.equals(SCHEMAS[dataset]) for dataset, parts in tables.items() for table in parts):
        return {f"{dataset}_broken": np.zeros(len(nights), np.int64) for dataset in CUMULATED}
    touched = _touched(store, nights)
    index = pa.concat_tables([past.rows("product_index"), *tables["product_index"]])
    found = {}
    for dataset in CUMULATED:
        again = {nights.index(night): keys.keys(dataset, index) for night, keys in touched.items()}
        seed = past.newest(dataset, _of(dataset, tables[dataset]))
        found[f"{dataset}_broken"] = _broken(dataset, tables[dataset], seed, again)
    return found


def _touched(store: Store, nights: Sequence[dt.date]) -> dict[dt.date, Touched]:
    """What the nights with late lines change; only for these are lines of all earlier nights looked up."""
    late = late_nights(store, nights)
    days = [*nights_before(store, nights[0]), *nights] if late else []
    return {night: touched_by(store, night, days[: days.index(night)]) for night in late}


def _of(dataset: str, tables: Sequence[pa.Table]) -> pc.Expression:
    """Rows that can be of a key of these tables."""
    key = KEYS[dataset][0]
    return pc.field(key).isin(pa.concat_tables([table.select([key]) for table in tables])[key].unique())


def _broken(dataset: str, tables: Sequence[pa.Table], seed: pa.Table, again: Mapping[int, pa.Table]) -> np.ndarray:
    """Args: tables: of each night; seed: a row a key, before them; again: by place of a night the keys that it restates."""
    names, keys = CUMULATED[dataset], list(KEYS[dataset])
    read = [*keys, "day", *(f"{name}_total" for name in names)]
    place = np.repeat(np.arange(-1, len(tables)), [seed.num_rows, *(table.num_rows for table in tables)])
    begins = np.concatenate([np.zeros(seed.num_rows, bool), *(_among(t, again.get(i), keys) for i, t in enumerate(tables))])
    rows = pa.concat_tables(
        [seed.select(read), *(table.select([*read, *names]) for table in tables)], promote_options="default"
    )
    codes = [rows[key].combine_chunks().dictionary_encode().indices.to_numpy() for key in keys]
    order = np.lexsort((rows["day"].cast(pa.int32()).to_numpy(), place, *codes))
    place, begins = place[order], begins[order]
    same = np.append(False, np.all([np.diff(code[order]) == 0 for code in codes], axis=0))[: len(order)]
    goes_on = same & ~(begins & np.append(True, np.diff(place) != 0)[: len(order)])
    bad = np.zeros(len(order), bool)
    for name in names:
        total = rows[f"{name}_total"].to_numpy().astype(np.int64)[order]
        before = total - rows[name].fill_null(0).to_numpy()[order]
        bad |= before != np.where(goes_on, np.append(0, total)[: len(order)], 0)
    return np.bincount(place[bad & (place >= 0)], minlength=len(tables)).astype(np.int64)


def _among(table: pa.Table, chosen: pa.Table | None, keys: list[str]) -> np.ndarray:
    """bool [rows]: rows with one of the chosen keys."""
    found = np.zeros(table.num_rows, bool)
    if chosen is not None:
        numbered = table.select(keys).append_column("row", pa.array(np.arange(table.num_rows)))
        found[numbered.join(chosen, keys, join_type="left semi")["row"].to_numpy()] = True
    return found
