"""The contract of a shop of one's own: what its mapping says of each column. Files of text lines can only lose columns."""

from include.sources.contract import Contract, Table
from include.sources.shop.mapping import Mapping

WHOLE = ("text", "integer", "number")
"""What an id or a quantity may come as: whole numbers that passed through pandas have a point."""
WORDS = (*WHOLE, "flag", "moment", "date", "nothing")


def contract_of(mapping: Mapping, dataset: str) -> Contract:
    """The contract of a dataset: all are made from the same lines. Its version is that of the mapping's format."""
    allowed: dict[str, tuple[str, ...]] = dict.fromkeys(mapping.columns, WORDS)
    for meaning, columns in mapping.meanings.items():
        for column in columns:
            kinds = _kinds(mapping, meaning)
            allowed[column] = tuple(kind for kind in allowed[column] if kind in kinds)
    table = Table(columns={column: "|".join(kinds) for column, kinds in allowed.items()}, open=True)
    return Contract(source="shop", dataset=dataset, version=mapping.format, tables={mapping.files.pattern: table})


def _kinds(mapping: Mapping, meaning: str) -> tuple[str, ...]:
    if meaning in ("household", "product", "basket", "store", "quantity", "price", "discount"):
        return WHOLE
    if meaning == "time":
        return WHOLE if mapping.time.format.startswith("unix") else (*WHOLE, "moment", "date")
    return WORDS
