"""What a delivered table must keep besides its columns: rows, keys without nulls, keys that do not repeat, known references."""

import logging

import pyarrow as pa
import pyarrow.compute as pc

from include.errors import Refused
from include.sources.contract import Table

REFERENCE = 0.01
"""Share of rows that may name something unknown; they are landed as they came, and reported."""

FEW = 5
"""So many rows are forgiven in a table of any size, where any are."""

log = logging.getLogger("nightfill")


def unique_rows(table: pa.Table, wanted: Table, file: str) -> pa.Table:
    """The rows, one of each key.

    Raises:
        Refused: there are none, a key is null, or more keys repeat than the contract allows.
    """
    if not table.num_rows:
        raise Refused(f"{file} has no rows", "Deliver the whole table")
    for column in wanted.key:
        if nulls := table[column].null_count:
            raise Refused(
                f"{nulls} of {table.num_rows} rows of {file} have no {column}", "Deliver them with it, or leave them out"
            )
    distinct = table.group_by(list(wanted.key), use_threads=False)
    single = distinct.aggregate([])
    tolerate_doubled(table.num_rows - single.num_rows, table.num_rows, wanted, file)
    if single.num_rows == table.num_rows:
        return table
    others = [name for name in table.column_names if name not in wanted.key]
    first = distinct.aggregate([(name, "first") for name in others])
    return first.rename_columns({f"{name}_first": name for name in others}).select(table.column_names)


def tolerate_doubled(doubled: int, rows: int, wanted: Table, file: str) -> None:
    """Report rows that repeat a key. Raises Refused when they are more than the contract allows."""
    if not doubled:
        return
    said = f"{doubled} of {rows} rows of {file} repeat a {', '.join(wanted.key)}"
    if doubled > _forgiven(wanted.doubled, rows):
        raise Refused(f"{said}; its contract allows {wanted.doubled:.0%}", "Deliver each once: was the table delivered twice?")
    log.warning("%s: each key counts once", said)


def tolerate_unknown(values: pa.ChunkedArray, known: pa.ChunkedArray, file: str, what: str, share: float = REFERENCE) -> None:
    """Report rows whose value is not among the known ones. Raises Refused when they are more than `share` of all."""
    strange = values.filter(pc.invert(pc.is_in(values, value_set=known.combine_chunks().cast(values.type))))
    if not len(strange):
        return
    names = ", ".join(map(str, sorted(strange.unique().to_pylist())[:5]))
    said = f"{len(strange)} of {len(values)} rows of {file} name {what}: {names}"
    if len(strange) > _forgiven(share, len(values)):
        raise Refused(said, "Deliver the table that they refer to as well, or correct them")
    log.warning("%s", said)


def _forgiven(share: float, rows: int) -> float:
    return max(share * rows, FEW) if share else 0
