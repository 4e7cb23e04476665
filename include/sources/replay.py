"""The replay clock: the only reader past the night. It hands out what was bought only once it has matured."""

import datetime as dt
from collections import defaultdict

import pyarrow as pa
import pyarrow.compute as pc

from include.errors import Refused
from include.sources.late import in_force, on_time
from include.sources.source import Source


class ReplayClock:
    """Sends the households of the following days, and says later what they bought."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def households_of(self, day: dt.date) -> list[str]:
        """Households that come to the shop on a day, in the order of their first purchase.

        Raises:
            Refused: the day is outside the data.
        """
        first, last = self.source.days()
        if not first <= day <= last:
            raise Refused(f"{day} is outside the data, which runs from {first} to {last}", "Choose a day within it")
        events = on_time(self.source.read_events(day, day))
        return list(dict.fromkeys(h for h in events["household"].to_pylist() if h is not None))

    def baskets_of(self, day: dt.date) -> dict[str, list[str]]:
        """What each household of `households_of` puts in its basket on the day, in order of purchase; counted lines only."""
        found: dict[str, list[str]] = {household: [] for household in self.households_of(day)}
        lines = sold(on_time(self.source.read_events(day, day)), shelf(self.source.catalogue(day)))
        for household, product in zip(lines["household"].to_pylist(), lines["product"].to_pylist(), strict=True):
            found[household].append(product)
        return found

    def outcomes(self, first: dt.date, last: dt.date, now: dt.date) -> dict[str, set[str]]:
        """What each household bought from first to last, as known at the end of `last`: what is told later does not count.

        Raises:
            Refused: these purchases have not happened by the end of `now`.
        """
        if last > now:
            raise Refused(
                f"Purchases up to {last} were asked for at the end of {now}, when they had not happened",
                f"Ask again at the end of {last}",
            )
        bought: dict[str, set[str]] = defaultdict(set)
        told = in_force(self.source.read_events(first, last))
        within = told.filter(pc.greater_equal(told["day"], pa.scalar(first, pa.date32())))
        lines = sold(within, shelf(self.source.catalogue(last)))
        for household, product in zip(lines["household"].to_pylist(), lines["product"].to_pylist(), strict=True):
            bought[household].add(product)
        return dict(bought)


def shelf(catalogue: pa.Table) -> frozenset[str]:
    """Products of a PRODUCTS table that the shop sells off a shelf."""
    return frozenset(catalogue.filter(catalogue["merchandise"])["product"].to_pylist())


def sold(events: pa.Table, merchandise: frozenset[str]) -> pa.Table:
    """Lines of EVENTS that count as bought: a household, quantity and money above 0, a product sold off a shelf."""
    right = pc.and_(pc.greater(events["quantity"], 0), pc.greater(events["cents"], 0))
    known = pc.and_(is_one_of(events["product"], merchandise), pc.is_valid(events["household"]))
    return events.filter(pc.and_(pc.fill_null(right, False), known))


def is_one_of(column: pa.ChunkedArray, words: frozenset[str]) -> pa.BooleanArray:
    """bool [rows]: whether a text is one of these; each word is looked up once, so a long list costs nothing."""
    codes = column.combine_chunks().dictionary_encode()
    found = pa.array([word in words for word in codes.dictionary.to_pylist()], pa.bool_())
    return pc.fill_null(found.take(codes.indices), False)
