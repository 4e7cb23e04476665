"""What a schema alone asks of a table: its columns and types, values where none may be missing, ranges, unique keys.

One table's rules are its schema, its key and the columns that may be null; counts and checks are made from these.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from include.features.tables import SCHEMAS, SORTED
from include.quality.check import Check, Severity
from include.sources.source import PRODUCTS, PROMOTIONS

Outside = Callable[[pa.ChunkedArray, dt.date], Any]
_RANGES: tuple[tuple[Callable[[pa.DataType], bool], str, Outside], ...] = (
    (pa.types.is_integer, "below 0", lambda column, night: pc.less(column, 0)),
    (pa.types.is_date, "after the night", lambda column, night: pc.greater(column, pa.scalar(night, pa.date32()))),
    (pa.types.is_string, "an empty text", lambda column, night: pc.equal(column, "")),
)
"""By type: what no value may be, in words and as a mask."""


@dataclass(frozen=True)
class Shape:
    """A dataset's rules. `ahead` are dates that may lie after the night, such as the week of a plan."""

    dataset: str
    schema: pa.Schema
    keys: tuple[str, ...]
    nullable: frozenset[str] = frozenset()
    ahead: frozenset[str] = frozenset()

    def counts(self, table: pa.Table, night: dt.date) -> dict[str, int]:
        """By rule the rows that break it; a table of another shape is only said to be malformed."""
        if not table.schema.equals(self.schema):
            return {f"{self.dataset}__malformed": 1}
        found = {f"{self.dataset}__malformed": 0, f"{self.dataset}__doubled": self._doubled(table)}
        for name, column, _, outside in self._rules():
            mask = outside(table[column], night) if outside else pc.is_null(table[column])
            found[name] = pc.sum(mask).as_py() or 0
        return found

    def checks(self, severity: Severity, todo: str) -> list[Check]:
        """A check for every count; the columns of a malformed table are not judged."""
        said = {f"{self.dataset}__malformed": f"{self.dataset} without the columns or types that readers expect"}
        said[f"{self.dataset}__doubled"] = f"{self.dataset} with {' and '.join(self.keys)} more than once"
        said |= {name: f"{self.dataset} with {what} in {column}" for name, column, what, _ in self._rules()}
        why = "What readers are promised: types, no nulls, ranges and unique keys, from the schema of the dataset."
        return [
            Check(name=name, column=name, high=0, rows=name, what=what, why=why, severity=severity, todo=todo)
            for name, what in said.items()
        ]

    def _doubled(self, table: pa.Table) -> int:
        return table.num_rows - table.group_by(list(self.keys)).aggregate([]).num_rows

    def _rules(self) -> Iterator[tuple[str, str, str, Outside | None]]:
        for field in self.schema:
            if field.name not in self.nullable:
                yield f"{self.dataset}__{field.name}__nulls", field.name, "a null", None
            for is_kind, what, outside in _RANGES:
                if is_kind(field.type) and field.name not in self.ahead:
                    yield f"{self.dataset}__{field.name}__range", field.name, what, outside


FEATURES = tuple(Shape(dataset, schema, SORTED[dataset], frozenset({"previous_day"})) for dataset, schema in SCHEMAS.items())
LANDED = (
    Shape("products", PRODUCTS, ("product",), frozenset(PRODUCTS.names) - {"product", "merchandise"}),
    Shape("promotions", PROMOTIONS, ("product",), ahead=frozenset({"week_start"})),
)
"""What lies beside the events: the catalogue on nights when it changed, the plan on nights when one became known."""
