"""Expressions over the counters of one night, in numpy: what training reads, and what a served model is asked with."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from include.features.algebra import Apply, Const, Context, Decay, Expr, Key, Lookup, Of, OnLast, Since, Total, Window, Within
from include.features.counters import Counters
from include.features.lookup import place
from include.features.lookups import TABLES

Chosen = np.ndarray | slice
ALL = slice(None)


class World(Protocol):
    """What a frame asks of the night around it."""

    night: dt.date

    def frame(self, entity: str) -> "Frame": ...

    def table(self, name: str) -> pa.Table: ...


class Frame:
    """All rows of one entity as of a night.

    Args:
        counters: of the entity; rows of later days are not looked at.
        size: the first so many entities are known on the night.
        day: the night.
        links: int [size] each: the row's place in another entity's frame.
        keys: string array and the place in it, by part of the key.
    """

    def __init__(
        self,
        world: World,
        counters: Counters,
        size: int,
        day: int,
        links: Mapping[str, np.ndarray],
        keys: Mapping[str, tuple[pa.Array, Chosen]],
    ) -> None:
        self._world = world
        self._counters = counters
        self._size = size
        self._day = day
        self._links = links
        self._keys = keys
        self._kept: dict[Any, Any] = {}

    def features(self, values: Sequence[Expr], chosen: Chosen = ALL) -> np.ndarray:
        """float32 [n, F]: these expressions of the chosen rows; 0 for an entity without a purchase so far."""
        memo: dict[Expr, Any] = {}
        here = self.last_row()[chosen] >= 0
        out = np.empty((len(here), len(values)), np.float32)
        for column, value in enumerate(values):
            out[:, column] = self._value(value, chosen, memo)
        return out if here.all() else np.where(here[:, None], out, np.float32(0.0))

    def whole(self, value: Expr) -> Any:
        """An expression of all rows, 0 or "" for an entity without a purchase so far; computed once."""
        return self._keep(("whole", value), lambda: self._spread(self._value(value, self._here, {})))

    @property
    def _here(self) -> np.ndarray:
        """The rows that have a purchase so far."""
        return self._keep("here", lambda: np.flatnonzero(self.last_row() >= 0))

    def _spread(self, found: Any) -> Any:
        """Values of the rows that are here, laid out over all rows."""
        if isinstance(found, pa.Array):
            place = np.full(self._size, -1, np.int64)
            place[self._here] = np.arange(len(found))
            return found.take(pa.array(place, mask=place < 0)).fill_null("")
        out = np.zeros(self._size, np.result_type(found))
        out[self._here] = found
        return out

    def texts(self, value: Expr, chosen: Chosen = ALL) -> pa.Array:
        """A text of the chosen rows."""
        return self._value(value, chosen, {})

    def last_row(self, back: int = 0) -> np.ndarray:
        """int64 [size]: each entity's last counter row `back` days before the night, or -1."""
        return self._keep(back, lambda: self._counters.last_row(self._day - back)[: self._size])

    def _keep(self, name: Any, make: Callable[[], Any]) -> Any:
        if name not in self._kept:
            self._kept[name] = make()
        return self._kept[name]

    def _value(self, node: Expr, chosen: Chosen, memo: dict[Expr, Any]) -> Any:
        if node not in memo:
            if isinstance(node, Apply):
                memo[node] = FUNCTIONS[node.op](*[self._value(arg, chosen, memo) for arg in node.args])
            else:
                memo[node] = self._leaf(node, chosen, memo)
        return memo[node]

    def _leaf(self, node: Expr, chosen: Chosen, memo: dict[Expr, Any]) -> Any:
        match node:
            case Const(value):
                return value
            case Total(counter):
                return self._counters.at(f"{counter}_total", self.last_row()[chosen])
            case Window(counter, days):
                earlier = self._counters.at(f"{counter}_total", self.last_row(days)[chosen])
                return self._value(Total(counter), chosen, memo) - earlier
            case OnLast(counter):
                return self._counters.at(counter, self.last_row()[chosen])
            case Decay(counter, tau):
                return self._keep(node, lambda: self._counters.decayed(self._day, tau, counter)[: self._size])[chosen]
            case Since("last"):
                return self._day - self._counters.day[np.maximum(self.last_row()[chosen], 0)]
            case Since("first"):
                return self._day - self._counters.day[self._counters.start[: self._size][chosen]]
            case Key(part):
                words, where = self._keys[part]
                return words.take(pa.array(np.arange(len(words))[where][chosen]))
            case Lookup():
                return self._look_up(node, chosen, memo)
            case Of(entity, value):
                found, row = self._world.frame(entity).whole(value), self._links[entity][chosen]
                return found.take(pa.array(row)) if isinstance(found, pa.Array) else found[row]
            case Within(group, value):
                return self._keep(node, lambda: self._within(group, value))[chosen]
        raise TypeError(f"{type(node).__name__} cannot be read here")

    def _look_up(self, node: Lookup, chosen: Chosen, memo: dict[Expr, Any]) -> Any:
        table, keys = self._world.table(node.table), TABLES[node.table].keys
        by = node.by or tuple(Key(key) for key in keys)
        where = Lookup(node.table, "", by)
        if where not in memo:
            memo[where] = place(table, {key: self._value(part, chosen, memo) for key, part in zip(keys, by, strict=True)})
        row, column = memo[where], table[node.column]
        if pa.types.is_string(column.type):
            return column.combine_chunks().take(pa.array(row, mask=row < 0)).fill_null("")
        return np.append(column.to_numpy(), 0)[row]

    def _within(self, group: Expr, value: Expr) -> np.ndarray:
        words = self._value(group, self._here, {}).dictionary_encode()
        alike = words.indices.to_numpy().astype(np.int64)
        if "household" in self._links:
            owned = self._links["household"][self._here] * np.int64(len(words.dictionary)) + alike
            alike = np.unique(owned, return_inverse=True)[1]
        return self._spread(np.bincount(alike, weights=self.whole(value)[self._here])[alike])


def night_features(values: Sequence[Expr], facts: Mapping[str, float]) -> np.ndarray:
    """float32 [F]: expressions of the night itself, from what the calendar says of it."""

    def value(node: Expr) -> Any:
        match node:
            case Const(number):
                return number
            case Context(name):
                return facts[name]
            case Apply(op, args):
                return FUNCTIONS[op](*map(value, args))
        raise TypeError(f"{type(node).__name__} is nothing of a night")

    return np.array([value(node) for node in values], np.float32)


def _divide(a: Any, b: Any) -> Any:
    nothing = np.equal(b, 0)
    return np.where(nothing, 0.0, a / np.where(nothing, 1, b)) if np.any(nothing) else a / b


def _log(x: Any) -> Any:
    return np.where(x > 0, np.log(np.where(x > 0, x, 1.0)), 0.0)


def _equal(a: Any, b: Any) -> Any:
    return np.asarray(pc.equal(a, b)) if isinstance(a, pa.Array) else a == b


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": _divide,
    "max": np.maximum,
    "min": np.minimum,
    "log": _log,
    "log1p": lambda x: np.log1p(np.maximum(x, 0)),
    "sqrt": lambda x: np.sqrt(np.maximum(x, 0)),
    "tanh": np.tanh,
    "gt": np.greater,
    "ge": np.greater_equal,
    "eq": _equal,
    "where": np.where,
}
