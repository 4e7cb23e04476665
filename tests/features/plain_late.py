"""Partitions with late lines in plain Python: a key whose earlier days came to look otherwise is restated whole."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from include.features.build import Build, raw_inputs
from include.features.publish import prepare, publish_night
from include.features.tables import DATASETS, KEYS, SCHEMAS, SORTED
from include.parquet import write_canonical
from include.store.objects import Store
from tests.features.plain_etl import Purchase, feature_rows, known_on, land_shop

Row = dict[str, Any]


def publish_late_shop(store: Store, folder: Path, lines: list[Purchase], start: dt.date, last: int) -> None:
    """Land, compute and publish the nights 0 to last of a shop some of whose lines come late or are corrected."""
    nights = [start + dt.timedelta(days=i) for i in range(last + 1)]
    land_shop(store, folder, lines, start, nights)
    for night, rows in told_nights(lines, nights):
        write_night(store, folder / "late", night, rows)
        for ready in prepare(store, folder / "late"):
            publish_night(store, ready)


def write_night(store: Store, out: Path, night: dt.date, rows: dict[str, list[Row]]) -> None:
    """The folder of a build of one night."""
    for dataset, told in rows.items():
        table = pa.Table.from_pylist(told, SCHEMAS[dataset]).sort_by([(key, "ascending") for key in SORTED[dataset]])
        write_canonical(table, out / dataset / f"{night}.parquet")
    Build([night], [], {}, raw_inputs(store, [night])).write(out)


def told_nights(lines: list[Purchase], nights: list[dt.date]) -> Iterator[tuple[dt.date, dict[str, list[Row]]]]:
    """Every night with the rows of its partitions."""
    index: dict[str, int] = {}
    before: dict[str, dict[tuple, list[Row]]] = {dataset: {} for dataset in KEYS}
    for number, night in enumerate(nights):
        told = {dataset: [] for dataset in DATASETS} | {"product_index": _new(index, lines, number, night)}
        now = _known(lines, number, nights, index)
        for dataset in now:
            told[dataset] = _told(dataset, before[dataset], now[dataset], night)
        before = now
        yield night, told


def _new(index: dict[str, int], lines: list[Purchase], number: int, night: dt.date) -> list[Row]:
    fresh = sorted({line.product for line in known_on(lines, number)} - set(index))
    rows = [{"product": name, "product_index": len(index) + i, "first_day": night} for i, name in enumerate(fresh)]
    index.update({row["product"]: row["product_index"] for row in rows})
    return rows


def _known(
    lines: list[Purchase], number: int, nights: list[dt.date], index: dict[str, int]
) -> dict[str, dict[tuple, list[Row]]]:
    """Key -> its rows of all days as known on a night, by dataset."""
    rows = feature_rows(known_on(lines, number), nights[: number + 1])
    names = {row["product_index"]: row["product"] for part in rows.pop("product_index") for row in part}
    found: dict[str, dict[tuple, list[Row]]] = {}
    for dataset, parts in rows.items():
        keys: dict[tuple, list[Row]] = {}
        for row in [row for part in parts for row in part]:
            if "product_index" in row:
                row["product_index"] = index[names[row["product_index"]]]
            keys.setdefault(tuple(row[key] for key in KEYS[dataset]), []).append(row)
        found[dataset] = keys
    return found


def _told(dataset: str, before: dict[tuple, list[Row]], now: dict[tuple, list[Row]], night: dt.date) -> list[Row]:
    """What a partition says: the new row of a key that went on, all rows of one that changed, zeros of one that went."""
    told = []
    for key, rows in now.items():
        went_on = [row for row in rows if row["day"] < night] == before.get(key, [])
        told += [row | {"known": night} for row in rows if not went_on or row["day"] == night]
    for key in before.keys() - now.keys():
        zeros = {field.name: 0 if pa.types.is_integer(field.type) else night for field in SCHEMAS[dataset]}
        told.append(zeros | dict(zip(KEYS[dataset], key, strict=True)))
    return told
