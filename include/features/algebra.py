"""The words in which a feature is written: an expression over published counters and tables, as of a night.

An expression is a value without behaviour. numpy_engine.py computes it from counters, tests/features/plain_features.py from
raw lines, and `str` writes it as a formula. Every function is total: where mathematics has no answer
(division by 0, logarithm of 0 or less) the answer is 0, so no feature is ever NaN or infinite.

A counter `units` of an entity is a column `units_total` of its dataset, the sum since the first day; `units` beside it is the
day's own sum. `days` counts the days with a purchase. The night itself belongs to every window.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields

Number = int | float


class Expr:
    """A value of each row of an entity. Write it with + - * / > >= and the functions below."""

    def __add__(self, other: "Expr | Number") -> "Expr":
        return Apply("add", (self, lift(other)))

    def __radd__(self, other: Number) -> "Expr":
        return Apply("add", (lift(other), self))

    def __sub__(self, other: "Expr | Number") -> "Expr":
        return Apply("sub", (self, lift(other)))

    def __rsub__(self, other: Number) -> "Expr":
        return Apply("sub", (lift(other), self))

    def __mul__(self, other: "Expr | Number") -> "Expr":
        return Apply("mul", (self, lift(other)))

    def __rmul__(self, other: Number) -> "Expr":
        return Apply("mul", (lift(other), self))

    def __truediv__(self, other: "Expr | Number") -> "Expr":
        return Apply("div", (self, lift(other)))

    def __gt__(self, other: "Expr | Number") -> "Expr":
        return Apply("gt", (self, lift(other)))

    def __ge__(self, other: "Expr | Number") -> "Expr":
        return Apply("ge", (self, lift(other)))


@dataclass(frozen=True)
class Const(Expr):
    """The same number on every row."""

    value: Number

    def __str__(self) -> str:
        return str(self.value)


@dataclass(frozen=True)
class Apply(Expr):
    """A function of other expressions; its name is a key of FUNCTIONS."""

    op: str
    args: tuple[Expr, ...]

    def __str__(self) -> str:
        words = [str(arg) for arg in self.args]
        sign = {"add": "+", "sub": "-", "mul": "*", "div": "/", "gt": ">", "ge": ">=", "eq": "="}.get(self.op)
        return f"({words[0]} {sign} {words[1]})" if sign else f"{self.op}({', '.join(words)})"


class Leaf(Expr):
    """What an engine reads; the rest it computes."""

    def __str__(self) -> str:
        words = [getattr(self, field.name) for field in fields(self)]  # type: ignore[arg-type]
        return f"{type(self).__name__.lower()}({', '.join(str(word) for word in words if word != ())})"


@dataclass(frozen=True)
class Total(Leaf):
    """A counter since the first day."""

    counter: str


@dataclass(frozen=True)
class Window(Leaf):
    """A counter over the last `days` days."""

    counter: str
    days: int


@dataclass(frozen=True)
class OnLast(Leaf):
    """A partial sum on the last day with a purchase."""

    counter: str


@dataclass(frozen=True)
class Decay(Leaf):
    """The sum over days d up to the night of partial(d) * exp(-(night - d) / tau), tau in days."""

    counter: str
    tau: Number


@dataclass(frozen=True)
class Since(Leaf):
    """Days from the `first` or the `last` day with a purchase to the night."""

    which: str


@dataclass(frozen=True)
class Key(Leaf):
    """A part of the row's own key, a text: `household` or `product`."""

    part: str


@dataclass(frozen=True)
class Lookup(Leaf):
    """A column of a table of lookups.TABLES as known on the night; 0 or "" where the table has no such row.

    `by` gives an expression for each of the table's keys; empty stands for the row's own key of that name.
    """

    table: str
    column: str
    by: tuple[Expr, ...] = ()


@dataclass(frozen=True)
class Of(Leaf):
    """An expression of the row's `product` or `household`; 0 where that one has no purchase so far."""

    entity: str
    value: Expr


@dataclass(frozen=True)
class Within(Leaf):
    """The sum of an expression over the rows that share a text: over all products, or over the pairs of one household."""

    group: Expr
    value: Expr


@dataclass(frozen=True)
class Context(Leaf):
    """A fact of the night itself, see holidays.py."""

    name: str


@dataclass(frozen=True)
class Recent(Leaf):
    """The household's last `k` purchases (a product on a day), newest first, ties by index: `product` (its index, -1 for an
    empty place) or `age` (days before the night, -1 likewise)."""

    what: str
    k: int


FUNCTIONS = ("add", "sub", "mul", "div", "max", "min", "log", "log1p", "sqrt", "tanh", "gt", "ge", "eq", "where")
"""An engine has each of them. `where(condition, yes, no)`; the others as their names say."""


def lift(value: Expr | Number) -> Expr:
    """A number as an expression."""
    return value if isinstance(value, Expr) else Const(value)


def _function(op: str) -> Callable[..., Expr]:
    return lambda *args: Apply(op, tuple(map(lift, args)))


larger, smaller, equal, where = (_function(op) for op in ("max", "min", "eq", "where"))
log, log1p, sqrt, tanh = (_function(op) for op in ("log", "log1p", "sqrt", "tanh"))


def clip(value: Expr, low: Number, high: Number) -> Expr:
    """The value, no lower than `low` and no higher than `high`."""
    return smaller(larger(value, low), high)


def children(node: Expr) -> tuple[Expr, ...]:
    """The expressions directly inside one, of the same entity."""
    if isinstance(node, Apply):
        return node.args
    if isinstance(node, Lookup):
        return node.by
    return (node.group, node.value) if isinstance(node, Within) else ()


def walk(node: Expr, entity: str) -> Iterator[tuple[str, Expr]]:
    """(entity, expression) of an expression and all inside it."""
    yield entity, node
    for child in children(node):
        yield from walk(child, entity)
    if isinstance(node, Of):
        yield from walk(node.value, node.entity)
