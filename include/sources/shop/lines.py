"""From rows of text to purchase lines. A line that cannot be read is counted with its reason, never guessed at.

The different texts of a column are far fewer than its lines, so each is read once, exactly, and looked up for all.
"""

import datetime as dt
import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from include.errors import Refused
from include.sources.calendar import EPOCH, business_days
from include.sources.shop import reasons as R
from include.sources.shop import values
from include.sources.shop.mapping import Condition, Mapping, column_names
from include.sources.shop.reasons import Tally
from include.sources.shop.rows import PIECE, Rows
from include.sources.source import EVENTS

CENT = values.MICRO // 100
WORDS = ("text", "department", "category", "type", "brand")
LINES = pa.schema([*EVENTS, ("returned", pa.bool_()), ("promoted", pa.bool_()), *((name, pa.string()) for name in WORDS)])
"""EVENTS with what else a line says of its product."""
ID_LENGTH = 200
NO_STORE = "shop"


class Reader:
    """Reads the rows of one file.

    Args:
        day: the business day that the file's name says, the night that delivers it; None where it says none.
    """

    def __init__(self, mapping: Mapping, name: str, day: dt.date | None) -> None:
        self.mapping, self.name = mapping, name
        self.day = None if day is None else (day - EPOCH).days
        self.tally = Tally()
        self._nothing = frozenset(mapping.nothing)
        self._moment = functools.lru_cache(PIECE)(values.moments(mapping.time.format, mapping.time.zone or mapping.zone))
        self._money = values.money(mapping.price.decimal)
        self._clocks: dict[bool, int] = {}

    def read(self, rows: Rows) -> pa.Table:
        """LINES of the rows that can be read.

        Raises:
            Refused: some times have an offset of their own and some have none.
        """
        for line, reason in rows.bad:
            self.tally.add(reason, self.name, [line], 1)
        table = _Piece(self, rows).lines()
        self.tally.kept += table.num_rows
        return table

    def texts(self, rows: Rows, columns: Sequence[str]) -> pa.Array:
        """One text a row, trimmed; of several columns joined by a space; null for nothing."""
        parts = [pc.utf8_trim_whitespace(pa.array(rows.columns[column], pa.string())) for column in columns]
        whole = parts[0] if len(parts) == 1 else pc.utf8_trim_whitespace(pc.binary_join_element_wise(*parts, " "))
        words = whole.dictionary_encode()
        kept = [None if word in self._nothing else word for word in words.dictionary.to_pylist()]
        return pa.array(kept, pa.string()).take(words.indices)

    def same_clock(self, own: np.ndarray, known: np.ndarray, lines: Sequence[int]) -> None:
        """Refuse texts with an offset beside texts without one: two clocks in one column."""
        for kind in (True, False):
            found = np.flatnonzero(known & (own == kind))
            if len(found):
                self._clocks.setdefault(kind, lines[int(found[0])])
        if len(self._clocks) == 2:
            raise Refused(
                f"{self.name} holds times of two clocks: line {self._clocks[True]} has a time zone of its own, "
                f"line {self._clocks[False]} has none",
                "Deliver all times with an offset, or all without",
            )

    def fits(self, rows: Rows, conditions: Sequence[Condition]) -> np.ndarray:
        """bool [N]: lines that fit any of the conditions."""
        found = np.zeros(len(rows.lines), bool)
        for condition in conditions:
            texts = self.texts(rows, (condition.column,))
            if condition.matches is not None:
                fits = pc.fill_null(pc.match_substring_regex(texts, condition.matches), False)
                found |= fits.to_numpy(zero_copy_only=False)
            else:
                found |= lookup(texts, _test(condition), False, bool)[0]
        return found

    def moment(self, text: str) -> tuple[int, bool] | None:
        return self._moment(text)

    def money(self, text: str) -> int | None:
        return self._money(text)


class _Piece:
    """One piece of rows on its way: `reason` is 0 for a line that is still good, else a place in `words`."""

    def __init__(self, reader: Reader, rows: Rows) -> None:
        self.reader, self.rows, self.mapping = reader, rows, reader.mapping
        self.reason = np.zeros(len(rows.lines), np.int8)
        self.words = [""]

    def lines(self) -> pa.Table:
        rules = self.mapping.rules
        self._lose(self.reader.fits(self.rows, rules.left_out), R.LEFT_OUT)
        at, day = self._times()
        known = self._known(day)
        product = self._id("product", R.NO_PRODUCT)
        household, basket = self._who(day)
        returned = self.reader.fits(self.rows, rules.returned)
        quantity, cents, discount = self._amounts(returned)
        self._count()
        columns = {
            "household": household,
            "product": product,
            "basket": basket,
            "store": self._store(),
            "day": pa.array(day, pa.int32()).cast(pa.date32()),
            "known": pa.array(known, pa.int32()).cast(pa.date32()),
            "at": pa.array(at, pa.int64()).cast(pa.timestamp("us", "UTC")),
            "quantity": pa.array(quantity.astype(np.int32)),
            "cents": pa.array(cents),
            "discount_cents": pa.array(discount),
            "returned": pa.array(returned | (quantity < 0)),
            "promoted": pa.array(self._promoted()),
        }
        columns |= {name: self._text(name) for name in WORDS}
        return pa.table(columns, schema=LINES).filter(pa.array(self.reason == 0))

    def _lose(self, mask: np.ndarray, reason: str) -> None:
        if reason not in self.words:
            self.words.append(reason)
        self.reason[(self.reason == 0) & mask] = self.words.index(reason)

    def _count(self) -> None:
        for number, word in enumerate(self.words[1:], 1):
            found = np.flatnonzero(self.reason == number)
            self.reader.tally.add(word, self.reader.name, (self.rows.lines[int(i)] for i in found[: R.EXAMPLES]), len(found))

    def _text(self, name: str) -> pa.Array:
        column = getattr(self.mapping, name)
        return pa.nulls(len(self.reason), pa.string()) if column is None else self.reader.texts(self.rows, column_names(column))

    def _times(self) -> tuple[np.ndarray, np.ndarray]:
        """UTC microseconds int64 [N] and business days int32 [N]."""
        texts = self.reader.texts(self.rows, column_names(self.mapping.time.column))
        self._lose(_null(texts), R.NO_TIME)
        at, known = lookup(texts, lambda text: (found := self.reader.moment(text)) and found[0], 0, np.int64)
        own, _ = lookup(texts, lambda text: (found := self.reader.moment(text)) and found[1], False, bool)
        self._lose(~known, R.BAD_TIME)
        self.reader.same_clock(own, known & (self.reason == 0), self.rows.lines)
        day = np.zeros(len(at), np.int32)
        day[known] = business_days(at[known], self.mapping.zone)
        return at, day

    def _known(self, day: np.ndarray) -> np.ndarray:
        """int32 [N]: the night that delivers each line: its own day, or the file's where it comes late."""
        named, files = self.reader.day, self.mapping.files
        if named is None:
            return day
        self._lose(day > named + files.shared_days, R.FUTURE)
        self._lose(day < named - max(files.late_days, files.shared_days), R.TOO_LATE)
        return np.where(day < named - files.shared_days, np.int32(named), day)

    def _id(self, name: str, missing: str) -> pa.Array:
        texts = self.reader.texts(self.rows, column_names(getattr(self.mapping, name)))
        self._lose(_null(texts), missing)
        self._lose(_unusable(texts), R.BAD_ID)
        return texts

    def _who(self, day: np.ndarray) -> tuple[pa.Array, pa.Array]:
        """Households and baskets. Without a basket column, what a household buys on a day is one basket."""
        household, unknown = self._text("household"), self.mapping.rules.without_household
        mapped = self.mapping.basket is not None
        basket = self._id("basket", R.NO_BASKET) if mapped else None
        if unknown == "guest" and basket is not None:
            household = pc.coalesce(household, pc.binary_join_element_wise("guest", basket, "-"))
        self._lose(_null(household), R.NO_HOUSEHOLD if unknown == "leave_out" else R.HOUSEHOLD_NEEDED)
        self._lose(_unusable(household), R.BAD_ID)
        if basket is None:
            days = pa.array(day, pa.int32()).cast(pa.date32()).cast(pa.string())
            basket = pc.binary_join_element_wise(household, days, "@")
        return household, basket

    def _store(self) -> pa.Array:
        return self._text("store").fill_null(NO_STORE)

    def _promoted(self) -> np.ndarray:
        flag = self.mapping.promotion
        if flag is None:
            return np.zeros(len(self.reason), bool)
        yes = frozenset(flag.texts)
        return lookup(self.reader.texts(self.rows, (flag.column,)), lambda text: text in yes, False, bool)[0]

    def _amounts(self, returned: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Quantity, cents and discount cents, int64 [N] each; those of returned lines are negative."""
        price, texts = self.mapping.price, self.reader.texts(self.rows, (self.mapping.quantity,))
        self._lose(_null(texts), R.NO_QUANTITY)
        quantity, known = lookup(texts, values.quantity, 0, np.int64)
        self._lose(~known, R.BAD_QUANTITY)
        texts = self.reader.texts(self.rows, (price.column,))
        self._lose(_null(texts), R.NO_PRICE)
        micros, known = lookup(texts, self.reader.money, 0, np.int64)
        self._lose(~known, R.BAD_PRICE)
        self._lose((micros < 0) & ((price.means == "unit") | ~(returned | (quantity < 0))), R.NEGATIVE_PRICE)
        back = returned | (quantity < 0)
        size = np.abs(quantity)
        cents = self._cents(np.abs(micros), size if price.means == "unit" else np.ones_like(size))
        sign = np.where(back, -1, 1)
        return sign * size, sign * cents, np.where(back, 0, self._discount(size))

    def _discount(self, size: np.ndarray) -> np.ndarray:
        found = self.mapping.discount
        if found is None:
            return np.zeros(len(size), np.int64)
        texts = self.reader.texts(self.rows, (found.column,))
        micros, known = lookup(texts, self.reader.money, 0, np.int64)
        self._lose(~known & ~_null(texts), R.BAD_DISCOUNT)
        micros = -micros if found.negative else micros
        self._lose(micros < 0, R.NEGATIVE_DISCOUNT)
        return self._cents(np.abs(micros), size if found.means == "unit" else np.ones_like(size))

    def _cents(self, micros: np.ndarray, size: np.ndarray) -> np.ndarray:
        """Whole cents of millionths times a quantity; half a cent goes up."""
        self._lose(micros.astype(np.float64) * size > 9e18, R.TOO_MUCH)
        total = np.where(self.reason == 0, micros * size, 0)
        return (total + CENT // 2) // CENT


def lookup(texts: pa.Array, read: Callable[[str], Any], other: Any, kind: type) -> tuple[np.ndarray, np.ndarray]:
    """What each text means, [N], and bool [N] whether it could be read; `other` where it could not."""
    words = texts.dictionary_encode()
    found = [read(word) for word in words.dictionary.to_pylist()]
    meaning: np.ndarray = np.array([other if value is None else value for value in found] + [other], kind)
    known = np.array([value is not None for value in found] + [False])
    place = words.indices.fill_null(len(found)).to_numpy(zero_copy_only=False)
    return meaning[place], known[place]


def _test(condition: Condition) -> Callable[[str], bool]:
    """`equals` or `below` on one text. Numbers may have a point or a comma; a text that is no number is below nothing."""
    if condition.equals is not None:
        return frozenset(condition.equals).__contains__
    limit = float(condition.below or 0)

    def below(text: str) -> bool:
        try:
            return float(text.replace(",", ".")) < limit
        except ValueError:
            return False

    return below


def _null(texts: pa.Array) -> np.ndarray:
    return texts.is_null().to_numpy(zero_copy_only=False)


def _unusable(texts: pa.Array) -> np.ndarray:
    """bool [N]: too long for an id, or with control characters."""
    return lookup(texts, lambda text: len(text) > ID_LENGTH or not text.isprintable(), False, bool)[0]
