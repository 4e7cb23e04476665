"""What a source has promised to deliver, in versions, and what a delivery broke of it.

A contract says of one landed dataset which tables it is made from, which columns they have and which key they keep. A
consumer (the ETL, a family of features) pins the version that it was written for. While one is pinned, a delivery that
breaks the contract is refused before anything is landed; while none is, the dataset is left out with a warning. A column
that the contract does not name is a warning, and changes no byte.
"""

import logging
from collections.abc import Callable, Mapping

import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from include.errors import Refused

log = logging.getLogger("nightfill")

Columns = Mapping[str, str]
"""Column -> kind. In a contract several kinds may be allowed, joined by a bar."""

Pins = Mapping[str, Mapping[str, int]]
"""Consumer -> dataset -> the version of its contract that the consumer was written for."""
NOBODY: Pins = {}

_KINDS = (
    ("flag", pa.types.is_boolean),
    ("integer", pa.types.is_integer),
    ("number", lambda kind: pa.types.is_floating(kind) or pa.types.is_decimal(kind)),
    ("text", lambda kind: pa.types.is_string(kind) or pa.types.is_large_string(kind)),
    ("moment", pa.types.is_timestamp),
    ("date", pa.types.is_date),
    ("nothing", pa.types.is_null),
)


class Table(BaseModel):
    """One delivered table.

    `beside` are columns that it has and nobody reads; `open` says that it may have any. `doubled` is the share of rows that
    may repeat a key: they count once, and are reported.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: dict[str, str]
    beside: tuple[str, ...] = ()
    open: bool = False
    key: tuple[str, ...] = ()
    doubled: float = 0.0


class Contract(BaseModel):
    """What one landed dataset of a source is made from. Raise `version` when a column that is read changes its meaning."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    dataset: str
    version: int
    tables: dict[str, Table]

    @property
    def name(self) -> str:
        """As it is recorded in manifests."""
        return f"{self.source}.{self.dataset} {self.version}"


def kind_of(kind: pa.DataType) -> str:
    """The kind of an Arrow type: the width of a number does not matter, but whether it can have a fraction does."""
    if pa.types.is_dictionary(kind):
        return kind_of(kind.value_type)
    return next((name for name, test in _KINDS if test(kind)), str(kind))


def columns_of(schema: pa.Schema) -> dict[str, str]:
    """The columns of a Parquet file or table, with their kinds."""
    return {field.name: kind_of(field.type) for field in schema}


def breaks(wanted: Columns, came: Columns) -> list[str]:
    """What is not as promised, a sentence each: which column, what was expected, what came."""
    new = sorted(came.keys() - wanted.keys())
    beside = f" (new there: {', '.join(new)[:200]})" if new else ""
    return [
        f"column {column}: expected {kinds.replace('|', ' or ')}, "
        + (f"came as {came[column]}" if column in came else f"it is gone{beside}")
        for column, kinds in wanted.items()
        if came.get(column) not in kinds.split("|")
    ]


def readers_of(pins: Pins, dataset: str) -> dict[str, int]:
    """Who reads a dataset, and the version that each is pinned to."""
    return {name: reads[dataset] for name, reads in sorted(pins.items()) if dataset in reads}


def accepted(contract: Contract, deliver: Callable[[], Mapping[str, Columns]], pins: Pins, needed: bool = False) -> bool:
    """Whether a dataset may be landed from what was delivered.

    Args:
        deliver: gives, by file, the columns that came. A file is one of the contract's tables, or one of many of its only one.
        needed: whether nothing can be built without the dataset, whoever reads it.

    Raises:
        Refused: the contract is broken, or has another version, and somebody reads this one.
    """
    readers = readers_of(pins, contract.dataset)
    others = [f"{name} reads version {version}" for name, version in readers.items() if version != contract.version]
    if others:
        raise Refused(
            f"{contract.source} delivers {contract.dataset} by version {contract.version} of its contract: {'; '.join(others)}",
            "Move these readers to the new version, or deliver by the old one",
        )
    try:
        _refuse_broken(contract, deliver(), readers)
    except Refused as error:
        if readers or needed:
            raise
        log.warning("Nobody reads %s, so it is left out: %s", contract.dataset, error)
        return False
    return True


def _refuse_broken(contract: Contract, delivered: Mapping[str, Columns], readers: Mapping[str, int]) -> None:
    broken = []
    for file, came in delivered.items():
        table = _table(contract, file)
        broken += [f"{file}: {fault}" for fault in breaks(table.columns, came)]
        if not table.open and (added := sorted(came.keys() - {*table.columns, *table.beside})):
            log.warning("%s has columns that contract %s does not name: %s", file, contract.name, ", ".join(added)[:300])
    if broken:
        pinned = f" (pinned to it: {', '.join(readers)})" if readers else ""
        raise Refused(
            f"The delivery breaks contract {contract.name}{pinned}: {'; '.join(broken)[:1500]}",
            "Deliver it as before, or declare a new version of the contract and move its readers to it",
        )


def _table(contract: Contract, file: str) -> Table:
    known = contract.tables
    return known[file] if file in known else next(iter(known.values()))
