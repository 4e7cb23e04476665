"""Features again in plain Python: every value from all lines, one row at a time, with nothing kept and nothing subtracted."""

import datetime as dt
import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from include.features.algebra import (
    Apply,
    Const,
    Context,
    Decay,
    Expr,
    Key,
    Lookup,
    Of,
    OnLast,
    Recent,
    Since,
    Total,
    Window,
    Within,
)
from include.features.holidays import facts
from include.features.lookups import TABLES
from tests.features.plain_etl import Purchase

Row = tuple[str, ...]
"""The key of a row: (household, product) of a pair, (product,), (household,), or () for the night."""

PARTS = {"pair": ("household", "product"), "product": ("product",), "household": ("household",), "night": ()}


@dataclass(frozen=True)
class PlainNight:
    """A shop as of a night.

    lines: those that count and are known, by day number from `start`. products: shop ids by index.
    tables: rows of each table of lookups.py as of the night.
    """

    lines: list[Purchase]
    start: dt.date
    night: int
    products: list[str]
    tables: Mapping[str, list[dict[str, Any]]]
    country: str = ""

    def rows(self, entity: str) -> list[Row]:
        """The keys of all rows that have a purchase so far."""
        return sorted({tuple(getattr(line, part) for part in PARTS[entity]) for line in self.lines})

    def days(self, entity: str, row: Row) -> list[int]:
        return sorted({line.day for line in self._of(entity, row)})

    def value(self, node: Expr, entity: str, row: Row) -> Any:
        """An expression of one row."""
        match node:
            case Const(value):
                return value
            case Apply(op, args):
                return FUNCTIONS[op](*[self.value(arg, entity, row) for arg in args])
            case Total(counter):
                return sum(self._on(counter, entity, row, day) for day in self.days(entity, row))
            case Window(counter, days):
                recent = [day for day in self.days(entity, row) if self.night - days < day]
                return sum(self._on(counter, entity, row, day) for day in recent)
            case OnLast(counter):
                return self._on(counter, entity, row, self.days(entity, row)[-1])
            case Decay(counter, tau):
                days = self.days(entity, row)
                return sum(self._on(counter, entity, row, day) * math.exp((day - self.night) / tau) for day in days)
            case Since(which):
                return self.night - self.days(entity, row)[0 if which == "first" else -1]
            case Key(part):
                return row[PARTS[entity].index(part)]
            case Lookup(table, column, by):
                keys = TABLES[table].keys
                wanted = [self.value(part, entity, row) for part in by or map(Key, keys)]
                found = [known for known in self.tables[table] if [known[key] for key in keys] == wanted]
                return found[0][column] if found else ("" if TABLES[table].columns[column] == "text" else 0)
            case Of(other, value):
                return self.value(value, other, (row[PARTS[entity].index(other)],))
            case Within(group, value):
                mine = self.value(group, entity, row)
                rows = [other for other in self.rows(entity) if entity != "pair" or other[0] == row[0]]
                alike = [other for other in rows if self.value(group, entity, other) == mine]
                return sum(self.value(value, entity, other) for other in alike)
            case Context(name):
                return facts(self.start + dt.timedelta(days=self.night), self.country)[name]
            case Recent(what, k):
                return self._recent(row[0], what, k)
        raise TypeError(node)

    def _of(self, entity: str, row: Row) -> list[Purchase]:
        return [line for line in self.lines if tuple(getattr(line, part) for part in PARTS[entity]) == row]

    def _on(self, counter: str, entity: str, row: Row, day: int) -> int:
        """What one day adds to a counter."""
        mine = self._of(entity, row)
        today = [line for line in mine if line.day == day]
        if counter == "gap_square":
            gaps = {b: b - a for a, b in itertools.pairwise(self.days(entity, row))}
            return gaps.get(day, 0) ** 2
        other = {"buyers": "household", "new_buyers": "household", "products": "product", "new_products": "product"}.get(
            counter
        )
        if other is None:
            field = {"cents": "cents", "units": "units", "discount_cents": "discount"}.get(counter)
            return sum(getattr(line, field) for line in today) if field else {"days": 1, "baskets": len(today)}[counter]
        whose = {getattr(line, other) for line in today}
        before = {getattr(line, other) for line in mine if line.day < day}
        return len(whose - before if counter.startswith("new_") else whose)

    def _recent(self, household: str, what: str, k: int) -> list[int]:
        bought = {(-line.day, self.products.index(line.product)) for line in self.lines if line.household == household}
        shown = [product if what == "product" else self.night + day for day, product in sorted(bought)]
        return (shown + [-1] * k)[:k]


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b if b else 0.0,
    "max": max,
    "min": min,
    "log": lambda x: math.log(x) if x > 0 else 0.0,
    "log1p": lambda x: math.log1p(max(x, 0)),
    "sqrt": lambda x: math.sqrt(max(x, 0)),
    "tanh": math.tanh,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "eq": lambda a, b: a == b,
    "where": lambda condition, yes, no: yes if condition else no,
}
