"""What an expression may say: every counter, table and function in it exists and is used for what it is."""

import pyarrow as pa

from include.errors import Refused
from include.features.algebra import (
    FUNCTIONS,
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
from include.features.holidays import FACTS
from include.features.lookups import TABLES
from include.features.nearest import nearest
from include.features.tables import SCHEMAS

DATASET = {"pair": "household_product", "product": "product", "household": "household"}
"""The dataset behind each entity that has counters; the entity `night` has none."""
KEYS = {"pair": ("household", "product"), "product": ("product",), "household": ("household",), "night": ()}
ENTITIES = tuple(KEYS)
NUMBERS = ("bool", "int", "float")


def kind_of(node: Expr, entity: str) -> str:
    """bool, int, float, text or list: what an expression of an entity is.

    Raises:
        Refused: it cannot be computed; the message says which part and why.
    """
    match node:
        case Const(value):
            return type(value).__name__
        case Apply(op, args):
            return _applied(op, [kind_of(arg, entity) for arg in args])
        case Total(counter) | Window(counter, _) | OnLast(counter) | Decay(counter, _):
            _check_counter(node, counter, entity)
            return "float" if isinstance(node, Decay) else "int"
        case Since(which):
            _need(entity in DATASET and which in ("first", "last"), f"{node} needs an entity with days, and first or last")
            return "int"
        case Key(part):
            _need(part in KEYS[entity], f"a {entity} has no key {part}")
            return "text"
        case Lookup():
            return _looked_up(node, entity)
        case Of(other, value):
            _need(entity == "pair" and other in ("product", "household"), f"a {entity} has no {other} of its own")
            return kind_of(value, other)
        case Within(group, value):
            _need(entity in ("product", "pair"), f"a {entity} is in no group")
            _need(
                kind_of(group, entity) == "text" and kind_of(value, entity) in NUMBERS,
                "a sum within a group takes a text and a number",
            )
            return "float"
        case Context(name):
            _need(entity == "night", f"{name} is a fact of the night, not of a {entity}")
            _need(name in FACTS, f"there is no fact {name} of a night{nearest(name, FACTS)}")
            return "float"
        case Recent(what, k):
            _need(entity == "household" and what in ("product", "age") and k > 0, f"{node} is not a household's sequence")
            return "list"
    raise Refused(f"{node!r} is no expression", "Use the words of include/features/algebra.py")


def _check_counter(node: Expr, counter: str, entity: str) -> None:
    fields = SCHEMAS[DATASET[entity]] if entity in DATASET else ()
    numbers = [field.name for field in fields if field.name != "product_index" and pa.types.is_integer(field.type)]
    if isinstance(node, OnLast | Decay):
        known = [name for name in numbers if not name.endswith("_total")]
        known += ["days"] if isinstance(node, Decay) else []
    else:
        known = [name.removesuffix("_total") for name in numbers if name.endswith("_total")]
    _need(counter in known, f"a {entity} has no counter {counter}{nearest(counter, known)}")
    if isinstance(node, Window):
        _need(type(node.days) is int and node.days > 0, f"a window of {node.days} days is no whole number of days")
    if isinstance(node, Decay):
        _need(node.tau > 0, f"a decay over {node.tau} days never ends")


def _looked_up(node: Lookup, entity: str) -> str:
    _need(node.table in TABLES, f"there is no table {node.table}{nearest(node.table, TABLES)}")
    table = TABLES[node.table]
    known = table.columns
    _need(node.column in known, f"table {node.table} has no column {node.column}{nearest(node.column, known)}")
    by = node.by or tuple(Key(key) for key in table.keys)
    _need(len(by) == len(table.keys), f"table {node.table} is looked up by {', '.join(table.keys)}")
    for part in by:
        _need(kind_of(part, entity) == "text", f"{part} is no key")
    return known[node.column]


def _applied(op: str, kinds: list[str]) -> str:
    _need(op in FUNCTIONS, f"there is no function {op}{nearest(op, FUNCTIONS)}")
    if op == "eq":
        _need(kinds == ["text", "text"] or set(kinds) <= set(NUMBERS), "function eq compares two numbers or two texts")
        return "bool"
    if op == "where":
        _need(len(kinds) == 3 and kinds[0] == "bool", "function where takes a condition and two values")
        kinds = kinds[1:]
    wrong = [kind for kind in kinds if kind not in ("int", "float")]
    _need(not wrong, f"function {op} takes numbers, not a {wrong[0] if wrong else ''}")
    if op in ("gt", "ge"):
        return "bool"
    return "int" if op in ("add", "sub", "mul", "max", "min", "where") and "float" not in kinds else "float"


def _need(right: bool, wrong: str) -> None:
    if not right:
        raise Refused(wrong[0].upper() + wrong[1:], "Correct the expression; include/features/algebra.py has its words")
