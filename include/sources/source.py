"""What Nightfill asks of a shop's data, whatever it is kept in, and the shapes in which it wants the answers."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import pyarrow as pa

from include.sources.contract import Columns, Contract
from include.sources.extras import Plan

EVENTS = pa.schema(
    [
        ("household", pa.string()),
        ("product", pa.string()),
        ("basket", pa.string()),
        ("store", pa.string()),
        ("day", pa.date32()),
        ("known", pa.date32()),
        ("at", pa.timestamp("us", "UTC")),
        ("quantity", pa.int32()),
        ("cents", pa.int64()),
        ("discount_cents", pa.int64()),
    ]
)
"""One purchase line. `day` is the business day of `at`, `known` the night that delivered the line: the same day, or a later
one for a late line. A line of the same day, basket and product that became known later replaces the earlier one (quantity
0 cancels it). `cents` is paid, `discount_cents` was given (0 or more)."""

PRODUCTS = pa.schema(
    [
        ("product", pa.string()),
        ("department", pa.string()),
        ("category", pa.string()),
        ("type", pa.string()),
        ("manufacturer", pa.string()),
        ("brand", pa.string()),
        ("size", pa.string()),
        ("merchandise", pa.bool_()),
    ]
)
"""The whole catalogue. `merchandise` is the source's own rule of what the shop sells off a shelf."""

PROMOTIONS = pa.schema(
    [
        ("product", pa.string()),
        ("week_start", pa.date32()),
        ("display_stores", pa.int32()),
        ("mailer_stores", pa.int32()),
        ("stores", pa.int32()),
    ]
)
"""In how many stores a product is on display or in the mailer in a week, out of `stores` that have promotions at all."""


@dataclass(frozen=True)
class Unread:
    """Lines that were looked at, and those that cannot be landed, by what completes "3 of 100 lines ..."."""

    lines: int
    reasons: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Usual:
    """Above these a line is reported as odd. `zone` is the shop's clock."""

    quantity: int = 100
    cents: int = 100_000
    zone: str = "UTC"


class Source(Protocol):
    """A shop's purchases, catalogue and promotion plans. Answers are sorted, so equal data gives equal bytes.

    `extras` names what it has beside them (extras.DATASETS and `placements`); most shops have nothing.
    """

    name: str
    usual: Usual
    extras: tuple[str, ...]

    def days(self) -> tuple[dt.date, dt.date]:
        """First and last business day that the source holds."""

    def closed(self, day: dt.date) -> bool:
        """Whether the shop had no business on a day within its calendar."""

    def digest(self, part: str) -> str:
        """Digest of the bytes behind a dataset, and of what the source keeps of them."""

    def contract(self, dataset: str) -> Contract:
        """What the source has promised to deliver for a dataset."""

    def delivered(self, dataset: str, first: dt.date, last: dt.date) -> Mapping[str, Columns]:
        """By file, the columns that came for these days. Raises Refused when a file is missing or unreadable."""

    def read_events(self, first: dt.date, last: dt.date) -> pa.Table:
        """EVENTS that these nights delivered, sorted by (at, basket, product); a line without a time has no day."""

    def unread(self, first: dt.date, last: dt.date) -> Unread:
        """What had to be left out of the files that hold these days: lines without a time belong to no day."""

    def catalogue(self, day: dt.date) -> pa.Table:
        """PRODUCTS as known at the end of a day, sorted by product; nothing in it comes from a later day."""

    def products(self, day: dt.date) -> pa.Table | None:
        """The catalogue of a day on which it is new or changed; None otherwise."""

    def promotions(self, weeks: Sequence[dt.date]) -> Iterator[Plan]:
        """The plan of each of these Mondays that has one, sorted by product."""

    def known(self, dataset: str, nights: Sequence[dt.date]) -> Iterator[tuple[dt.date, pa.Table]]:
        """Of a dataset among `extras`: (night, the rows that became known on it), of those of the nights that have any."""
