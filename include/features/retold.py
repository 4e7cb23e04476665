"""A night with late lines: the rows of untouched keys as ever, and the whole histories of the touched ones."""

import datetime as dt
from collections.abc import Callable

import pyarrow as pa

from include.features.counting import household, household_product, product, product_days
from include.features.tables import KEYS, SCHEMAS


class Retold:
    """What is known on a night of the households and products that its late lines touch.

    Args:
        lines: the lines that count (etl.LINE), of all days, of these households and products.
        keys: by dataset, the touched keys, and those of them that had purchases before the night.
    """

    def __init__(self, night: dt.date, lines: pa.Table, keys: Callable[[str], tuple[pa.Table, pa.Table]]) -> None:
        self._night = night
        self._keys = keys
        pairs = household_product(lines, None)
        self._rows = {
            "household_product": pairs,
            "household": household(pairs, lines, None),
            "product": product(product_days(pairs), None),
        }

    def restate(self, dataset: str, fresh: pa.Table) -> pa.Table:
        """The dataset of the night. `fresh` is what it would be if nothing had come late.

        A key of which nothing is left has a row of zeros, so that readers forget its earlier rows.
        """
        touched, stood = self._keys(dataset)
        keys, schema = list(KEYS[dataset]), SCHEMAS[dataset]
        told = self._rows[dataset].join(touched, keys, join_type="left semi")
        told = told.append_column("known", pa.array([self._night] * len(told), pa.date32()))
        gone = stood.join(told.select(keys), keys, join_type="left anti")
        zeros = {field.name: self._zero(field, len(gone)) for field in schema if field.name not in keys}
        gone = pa.table({name: gone[name] for name in keys} | zeros)
        kept = fresh.join(touched, keys, join_type="left anti")
        return pa.concat_tables([rows.select(schema.names).cast(schema) for rows in (kept, told, gone)])

    def _zero(self, field: pa.Field, rows: int) -> pa.Array:
        if field.name == "previous_day":
            return pa.nulls(rows, field.type)
        return pa.array([self._night if pa.types.is_date(field.type) else 0] * rows, field.type)
