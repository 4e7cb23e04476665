"""A night's raw lines beside the catalogue: what the rules of single lines look at."""

import datetime as dt
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from include.sources.calendar import EPOCH, business_days, midnights
from include.sources.source import EVENTS, Usual

KEYS = ("household", "product", "basket", "store")
MEASURES = ("quantity", "cents", "at", "day")
HOUR = 3_600_000_000


class Lines:
    """One night's lines. A missing column or one of another type is named, then read as if empty.

    Args:
        catalogue: PRODUCTS as known on the night.
    """

    def __init__(self, table: pa.Table, night: dt.date, catalogue: pa.Table, usual: Usual) -> None:
        types = {field.name: field.type for field in table.schema}
        self.missing = [field.name for field in EVENTS if field.name not in types]
        self.wrong = [field.name for field in EVENTS if field.name in types and types[field.name] != field.type]
        self.rows = table.num_rows
        unusable = {*self.missing, *self.wrong}
        columns = [pa.nulls(self.rows, f.type) if f.name in unusable else table[f.name].combine_chunks() for f in EVENTS]
        self.table = pa.table(columns, schema=EVENTS)
        self.unusable = unusable
        self.night, self.catalogue, self.usual = night, catalogue, usual

    def __getitem__(self, name: str) -> pa.Array:
        chunks: pa.ChunkedArray = self.table[name]
        return chunks.chunk(0) if chunks.num_chunks == 1 else chunks.combine_chunks()

    def null(self, name: str) -> np.ndarray:
        """bool [rows]: lines without a value in a column that is there."""
        found = np.zeros(self.rows, bool)
        return found if name in self.unusable else self[name].is_null().to_numpy(zero_copy_only=False)

    def below(self, name: str, bound: int) -> np.ndarray:
        """bool [rows]: lines whose number is less than `bound`."""
        return _true(pc.less(self[name], bound))

    def above(self, name: str, bound: int) -> np.ndarray:
        """bool [rows]: lines whose number is more than `bound`."""
        return _true(pc.greater(self[name], bound))

    def of(self, text: str) -> pa.Array:
        """A text of each line's product; null where the catalogue has no such product."""
        return self.catalogue[text].combine_chunks().take(self._place)

    def told(self, text: str, word: str | bool) -> np.ndarray:
        """bool [rows]: lines of whose product the catalogue says this."""
        return _true(pc.equal(self.of(text), word))

    @property
    def unknown(self) -> np.ndarray:
        """bool [rows]: lines whose product the catalogue does not have."""
        return self._place.is_null().to_numpy(zero_copy_only=False) & ~self.null("product")

    @cached_property
    def on_time(self) -> "Lines":
        """The lines of the night's own business day, without those that were delivered late."""
        late = self.given_day < self.number
        kept = self.table.filter(pa.array(~late)) if late.any() else self.table
        return Lines(kept, self.night, self.catalogue, self.usual)

    @cached_property
    def doubled(self) -> np.ndarray:
        """bool [rows]: lines beyond the first of their (day, basket, product); a line without a key is counted elsewhere."""
        basket, product = (self[name].dictionary_encode().indices.fill_null(-1).to_numpy() for name in ("basket", "product"))
        pair = basket.astype(np.int64) * (int(product.max(initial=0)) + 1) + product
        days, day = np.unique(self.given_day, return_inverse=True)
        repeated = np.ones(self.rows, bool)
        repeated[np.unique(pair * len(days) + day, return_index=True)[1]] = False
        return repeated & (basket >= 0) & (product >= 0)

    @property
    def number(self) -> int:
        """The night as days since 1970-01-01."""
        return (self.night - EPOCH).days

    @cached_property
    def given_day(self) -> np.ndarray:
        """int32 [rows]: the lines' own business days, counted from 1970-01-01; the night's where a line has none."""
        return self["day"].cast(pa.int32()).fill_null(self.number).to_numpy()

    @cached_property
    def delivered(self) -> np.ndarray:
        """int32 [rows]: the nights that delivered the lines; -1 where a line has none."""
        return self["known"].cast(pa.int32()).fill_null(-1).to_numpy()

    @cached_property
    def business_day(self) -> np.ndarray:
        """int32 [rows]: the days of the lines' times on the shop's clock; the line's own where it has no time."""
        timed = ~self["at"].is_null().to_numpy(zero_copy_only=False)
        found = self.given_day.copy()
        found[timed] = business_days(self["at"].drop_null().cast(pa.int64()).to_numpy(), self.usual.zone)
        return found

    @cached_property
    def baskets(self) -> tuple[np.ndarray, np.ndarray]:
        """int64 [baskets] twice: the hour of each basket's first line since the business day's midnight, so that daylight
        saving does not show; and its number of lines. Lines without a time or a basket are left out."""
        kept = self.table.filter(pc.and_(self["basket"].is_valid(), self["at"].is_valid()))
        found = kept.group_by("basket").aggregate([("at", "min"), ("at", "count")])
        at = found["at_min"].cast(pa.int64()).to_numpy()
        return (at - midnights(self.usual.zone, self.night, self.night)[0]) // HOUR, found["at_count"].to_numpy()

    @cached_property
    def _place(self) -> pa.Array:
        codes = self["product"].dictionary_encode()
        return pc.index_in(codes.dictionary, value_set=self.catalogue["product"].combine_chunks()).take(codes.indices)


def _true(mask: pa.Array) -> np.ndarray:
    return pc.fill_null(mask, False).to_numpy(zero_copy_only=False)
