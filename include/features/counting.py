"""Counters from purchase lines, in arrays: sums by day, and what they come to since the first day.

Each function takes whole keys (all lines of a household, all rows of a product) of some nights and the `seed`: one row a key
that holds its counters before the first of these nights (state.py), or None. Spark brings whole keys together and runs this in
its Python workers (etl.py); a night with late lines runs it on the few histories that it tells again (retold.py). Whole numbers
only, so the order in which they are added cannot show. This file needs nothing but numpy and pyarrow, since Spark ships it
to workers as it is.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Sums = Mapping[str, np.ndarray]


class Days:
    """One row a (key, day), sorted by them: the sums of all rows that share both.

    Args:
        key: int64 [N], any numbers.
        day: int32 [N], days since 1970.
        sums: int64 [N] each.
    """

    def __init__(self, key: np.ndarray, day: np.ndarray, sums: Sums) -> None:
        order = np.lexsort((day, key))
        key, day = key[order], day[order]
        at = np.flatnonzero(_changes(key) | _changes(day))
        self.key, self.day = key[at], day[at]
        self.sums = {name: np.add.reduceat(values[order], at) if len(at) else values for name, values in sums.items()}
        self._begins = np.flatnonzero(_changes(self.key))
        self._length = np.diff(np.append(self._begins, len(self.key)))

    def since(self, seed: pa.Table | None, key: np.ndarray) -> None:
        """Go on from a seed, whose rows have these keys, int64."""
        self._seed, wanted = seed, self.key[self._begins]
        order = np.argsort(key)
        place = np.minimum(np.searchsorted(key, wanted, sorter=order), max(0, len(key) - 1))
        self._row = order[place] if len(key) else np.zeros(len(wanted), np.int64)
        self._found = key[self._row] == wanted if len(key) else np.zeros(len(wanted), bool)

    def total(self, name: str, values: np.ndarray | None = None) -> np.ndarray:
        """int64 [N]: the sum `name` up to each row's day, over the seed's `<name>_total`; or that of other values."""
        values = self.sums[name] if values is None else values
        upto, first = np.cumsum(values, dtype=np.int64), self._begins
        before = self._before(f"{name}_total", np.zeros(len(first), np.int64))
        return upto + np.repeat(before - upto[first] + values[first], self._length)

    def first_day(self) -> np.ndarray:
        """int32 [N]: the first day of each row's key."""
        return np.repeat(self._before("first_day", self.day[self._begins]), self._length)

    def previous_day(self) -> tuple[np.ndarray, np.ndarray]:
        """int32 [N] the key's day before, and bool [N] whether there is none."""
        previous, none = np.roll(self.day, 1), np.zeros(len(self.day), bool)
        previous[self._begins] = self._before("day", self.day[self._begins])
        none[self._begins] = ~self._found
        return previous, none

    def _before(self, column: str, otherwise: np.ndarray) -> np.ndarray:
        """The seed's column for each key."""
        if self._seed is None or not self._found.any():
            return otherwise
        return np.where(self._found, integers(self._seed[column])[self._row], otherwise)


def household_product(lines: pa.Table, seed: pa.Table | None) -> pa.Table:
    """Dataset household_product, without `known`. A basket holds a product once: validate_raw saw to it.

    `lines` has household, product_index, day, quantity, cents and discount_cents.
    """
    words, code = _coded(lines["household"])
    sums = {name: integers(lines[name]) for name in ("quantity", "cents", "discount_cents")}
    sums["baskets"] = np.ones(len(code), np.int64)
    rows = Days(_pair(code, lines["product_index"]), integers(lines["day"]), sums)
    rows.since(seed, _pair(_places(seed["household"], words), seed["product_index"]) if seed else np.zeros(0, np.int64))
    previous, none = rows.previous_day()
    gap = np.where(none, 0, rows.day - previous).astype(np.int64)
    return pa.table(
        {
            "household": words.take(pa.array(rows.key >> 32)),
            "product_index": (rows.key & 0xFFFFFFFF).astype(np.int32),
            "day": _dates(rows.day),
            "baskets": rows.sums["baskets"],
            "units": rows.sums["quantity"],
            "cents": rows.sums["cents"],
            "discount_cents": rows.sums["discount_cents"],
            "days_total": rows.total("days", np.ones(len(rows.day), np.int64)),
            "units_total": rows.total("units", rows.sums["quantity"]),
            "cents_total": rows.total("cents"),
            "first_day": _dates(rows.first_day()),
            "previous_day": _dates(previous, none),
            "gap_square_total": rows.total("gap_square", gap * gap),
        }
    )


def product_days(pairs: pa.Table) -> pa.Table:
    """What each day's household_product rows say of a product: product_index, day, buyers, new_buyers, units, cents, ..."""
    new = (integers(pairs["days_total"]) == 1).astype(np.int64)
    sums = {"buyers": np.ones(len(new), np.int64), "new_buyers": new}
    sums |= {name: integers(pairs[name]) for name in ("units", "cents", "discount_cents")}
    rows = Days(integers(pairs["product_index"]).astype(np.int64), integers(pairs["day"]), sums)
    return pa.table({"product_index": rows.key.astype(np.int32), "day": _dates(rows.day), **rows.sums})


def product(bought: pa.Table, seed: pa.Table | None) -> pa.Table:
    """Dataset product, without `known`, from product_days of all households."""
    names = ("buyers", "new_buyers", "units", "cents", "discount_cents")
    key = integers(bought["product_index"]).astype(np.int64)
    rows = Days(key, integers(bought["day"]), {name: integers(bought[name]) for name in names})
    rows.since(seed, integers(seed["product_index"]).astype(np.int64) if seed else np.zeros(0, np.int64))
    totals = {f"{name}_total": rows.total(name) for name in names}
    return pa.table({"product_index": rows.key.astype(np.int32), "day": _dates(rows.day), **rows.sums, **totals})


def household(pairs: pa.Table, lines: pa.Table, seed: pa.Table | None) -> pa.Table:
    """Dataset household, without `known`, from the households' household_product rows and lines (for baskets)."""
    words, code = _coded(pairs["household"])
    new = (integers(pairs["days_total"]) == 1).astype(np.int64)
    sums = {"products": np.ones(len(code), np.int64), "new_products": new, "cents": integers(pairs["cents"])}
    rows = Days(code, integers(pairs["day"]), sums)
    rows.sums["baskets"] = _baskets(words, lines)
    rows.since(seed, _places(seed["household"], words) if seed else np.zeros(0, np.int64))
    totals = {f"{name}_total": rows.total(name) for name in ("baskets", "products", "new_products", "cents")}
    days = rows.total("days", np.ones(len(rows.day), np.int64))
    about = {"household": words.take(pa.array(rows.key)), "day": _dates(rows.day), "first_day": _dates(rows.first_day())}
    return pa.table({**about, **rows.sums, **totals, "days_total": days})


def by_night(table: pa.Table, column: str) -> Iterator[tuple[int, pa.Table]]:
    """A table cut by a column of days; each night as days since 1970, rows in the order that they have."""
    days = integers(table[column])
    order = np.argsort(days, kind="stable")
    starts = np.flatnonzero(_changes(days[order]))
    sorted_rows = table.take(pa.array(order))
    for start, end in zip(starts, np.append(starts[1:], len(order))[: len(starts)], strict=True):
        yield int(days[order[start]]), sorted_rows.slice(start, end - start)


def integers(column: pa.ChunkedArray) -> np.ndarray:
    """Whole numbers as int64, days as int32."""
    if pa.types.is_date(column.type):
        return column.cast(pa.int32()).fill_null(0).to_numpy()
    return column.to_numpy().astype(np.int64, copy=False)


def _baskets(words: pa.Array, lines: pa.Table) -> np.ndarray:
    """int64: the baskets of each household and day, sorted by them."""
    visit = (_places(lines["household"], words) << 32) + integers(lines["day"])
    basket = lines["basket"].combine_chunks().dictionary_encode()
    visits, place = np.unique(visit, return_inverse=True)
    size = max(1, len(basket.dictionary))
    held = np.unique(place * size + basket.indices.to_numpy())
    return np.bincount(held // size, minlength=len(visits))


def _coded(column: pa.ChunkedArray) -> tuple[pa.Array, np.ndarray]:
    """The words of a column, and int64 [N] the place of each row's word among them."""
    coded = column.combine_chunks().dictionary_encode()
    return coded.dictionary, coded.indices.to_numpy().astype(np.int64)


def _places(column: pa.ChunkedArray, words: pa.Array) -> np.ndarray:
    """int64 [N]: the place of each row's word among those known, -1 for another."""
    return pc.index_in(column, words).fill_null(-1).to_numpy().astype(np.int64)


def _pair(code: np.ndarray, product_index: pa.ChunkedArray) -> np.ndarray:
    return (code << 32) + integers(product_index)


def _changes(values: np.ndarray) -> np.ndarray:
    """bool [N]: whether each value differs from the one before; the first does."""
    return np.append(True, values[1:] != values[:-1])[: len(values)]


def _dates(days: np.ndarray, none: np.ndarray | None = None) -> pa.Array:
    return pa.array(days.astype(np.int32), pa.int32(), mask=none).cast(pa.date32())
