"""One pass over a night's raw events: every number that a check asks for, and histograms for later nights."""

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from include.errors import Refused
from include.parquet import read_small
from include.quality.line_rules import LINE_RULES
from include.quality.lines import KEYS, MEASURES, Lines
from include.sources.source import Usual

EDGES = {
    "quantity": (1, 2, 3, 5, 10, 100),
    "cents": (1, 100, 150, 200, 300, 500, 1_000, 2_000, 10_000),
    "hour": (8, 10, 12, 14, 16, 18, 20, 22),
    "basket_lines": (2, 3, 5, 9, 17, 33),
}
"""Where the bins of a histogram begin, after the first. They never move: histograms of a year ago must compare."""
DISTRIBUTIONS = (*EDGES, "department")
SLICES = ("store", "department")
SLICE_ROWS = 20
"""Lines of a slice below which its share of nulls is chance."""
CROWD = 100
"""Households of a night below which one may well be a large part of it."""


def read_lines(path: Path, night: dt.date, catalogue: pa.Table, usual: Usual) -> Lines:
    """The lines of a landed file. Raises Refused when it is no Parquet file."""
    try:
        table = read_small(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise Refused(f"The events of {night} cannot be read: {str(error)[:200]}", f"Land {night} again") from error
    return Lines(table, night, catalogue, usual)


def profile_lines(lines: Lines) -> dict[str, Any]:
    """Counts by rule, sums, medians and histograms of one night."""
    rows = max(lines.rows, 1)
    counts = {rule.name: int(rule.lines(lines).sum()) for rule in LINE_RULES}
    return {
        "night": str(lines.night),
        "rows": lines.rows,
        "rows_on_time": lines.on_time.rows,
        "columns_missing": len(lines.missing),
        "columns_wrong": len(lines.wrong),
        "names": {"missing": lines.missing, "wrong": lines.wrong},
        **counts,
        **{f"{rule.name}_share": counts[rule.name] / rows for rule in LINE_RULES if rule.share},
        **_slice_nulls(lines),
        **_largest_household(lines),
        "cents_median": _median(lines.on_time),
        "baskets": len(lines.on_time.baskets[0]),
        "histograms": histograms(lines.on_time),
    }


def histograms(lines: Lines) -> dict[str, dict[str, int]]:
    """Lines by bin of quantity and cents and by department; baskets by bin of hour and of lines."""
    hours, sizes = lines.baskets
    values = {"quantity": _numbers(lines, "quantity"), "cents": _numbers(lines, "cents"), "hour": hours, "basket_lines": sizes}
    found = {name: _binned(values[name], edges) for name, edges in EDGES.items()}
    departments = lines.of("department").drop_null().value_counts()
    shares = zip(departments.field("values").to_pylist(), departments.field("counts").to_pylist(), strict=True)
    return found | {"department": dict(sorted(shares))}


def _binned(values: np.ndarray, edges: tuple[int, ...]) -> dict[str, int]:
    counts = np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)
    return {f"{place}": int(count) for place, count in enumerate(counts)}


def _numbers(lines: Lines, name: str) -> np.ndarray:
    return lines[name].drop_null().to_numpy()


def _median(lines: Lines) -> float | None:
    """Middle money of the lines that were paid for."""
    paid = _numbers(lines, "cents")
    paid = paid[paid > 0]
    return float(np.median(paid)) if paid.size else None


def _slice_nulls(lines: Lines) -> dict[str, Any]:
    """The largest share of lines with a null within one store or department, and where that is."""
    worst, where, count = 0.0, "", 0
    for slice_ in SLICES:
        own = {"store": ("store",), "department": ("product",)}[slice_]
        empty = np.any([lines.null(name) for name in (*KEYS, *MEASURES) if name not in own], axis=0)
        codes = (lines["store"] if slice_ == "store" else lines.of("department")).dictionary_encode()
        if not empty.any() or not len(codes.dictionary):
            continue
        place = codes.indices.fill_null(len(codes.dictionary)).to_numpy()
        size = np.bincount(place, minlength=len(codes.dictionary) + 1)[:-1]
        nulls = np.bincount(place, empty, len(codes.dictionary) + 1)[:-1]
        share = np.where(size >= SLICE_ROWS, nulls / np.maximum(size, 1), 0)
        if share.max() > worst:
            at = int(share.argmax())
            worst, where, count = float(share[at]), f"{slice_} {codes.dictionary[at]}", int(nulls[at])
    return {"slice_nulls": count, "slice_null_share": worst, "slice": where}


def _largest_household(lines: Lines) -> dict[str, Any]:
    """Lines of the household with the most, and their share of the night; no share among a few households."""
    counts = lines["household"].drop_null().value_counts().field("counts")
    largest = pc.max(counts).as_py() or 0
    return {"largest_household": largest, "household_share": largest / max(lines.rows, 1) if len(counts) >= CROWD else None}
