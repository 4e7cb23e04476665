"""What a shop may have beside purchases, a catalogue and plans. All of it is optional; each row is known from one night on.

A partition of a night holds the rows that became known on it, so a reader takes the partitions up to its night. A night on
which nothing became known has no partition. `placements` is the exception that it shares with the plans: a partition is
the whole plan of the week after its Sunday.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

_TEXT, _DATE, _WORDS = pa.string(), pa.date32(), pa.list_(pa.int64())

TRAITS = ("age", "income", "home", "marital", "size", "members", "kids")
"""What a shop may know of a household, as texts of its own; null is unknown."""

KINDS = ("display", "end_cap", "mailer", "front_page", "mailer_coupon")
"""Where a product is shown. End-caps are displays, and front page and coupon are places in the mailer."""

SCHEMAS = {
    "households": pa.schema([("household", _TEXT), *((trait, _TEXT) for trait in TRAITS)]),
    "campaigns": pa.schema([("campaign", _TEXT), ("household", _TEXT), ("kind", _TEXT), ("start", _DATE), ("end", _DATE)]),
    "coupons": pa.schema([("campaign", _TEXT), ("coupon", _TEXT), ("product", _TEXT)]),
    "redemptions": pa.schema([("household", _TEXT), ("campaign", _TEXT), ("coupon", _TEXT), ("day", _DATE)]),
    "placements": pa.schema([("product", _TEXT), *((kind, _WORDS) for kind in KINDS)]),
    "stores": pa.schema([("store", _TEXT)]),
}
"""The tables by name. `placements` has a bit a store, 64 of them a word, bit i of word j is row 64 j + i of `stores`, which
lies beside it in the same partition; a bit that is not set says that the store does not show the product."""

KEYS = {
    "households": ("household",),
    "campaigns": ("campaign", "household"),
    "coupons": ("campaign", "coupon", "product"),
    "redemptions": ("day", "household", "campaign", "coupon"),
    "placements": ("product",),
    "stores": ("store",),
}
"""Rows are sorted by these and unique in them."""

DATASETS = ("households", "campaigns", "coupons", "redemptions")
"""The datasets that land by the day on which their rows became known."""


@dataclass(frozen=True)
class Plan:
    """One week's promotions: PROMOTIONS, and where a source knows the stores, `placements` and its `stores`."""

    monday: dt.date
    promotions: pa.Table
    placed: Mapping[str, pa.Table] = field(default_factory=dict)


def by_known(table: pa.Table, known: pa.Array, nights: Sequence[dt.date]) -> Iterator[tuple[dt.date, pa.Table]]:
    """(night, rows that became known on it), of those of the nights that have any.

    Args:
        known: date32 [rows].
    """
    wanted = set(nights)
    for night in sorted(wanted & set(known.unique().to_pylist())):
        yield night, table.filter(pc.equal(known, pa.scalar(night, pa.date32())))
