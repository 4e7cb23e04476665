"""The feature datasets that the nightly ETL publishes: columns, keys, and the rule by which a line counts.

A row is written only for what happened that night: the day's partial sums, and counters since the first day. A window
is the difference of two counters, a decay a sum over partials, both taken when the features are read (asof.py), so no
window length is baked into a partition. All values are whole numbers.

`day` is the business day of the purchases (event time), `known` the night whose delivery told of them (knowledge time).
"""

import pyarrow as pa

from include.canonical import digest

TRANSFORM = "features-2"
"""The version of the meaning of the ETL's code. Raise it when equal inputs should give other rows."""

RULE = "quantity > 0 and cents > 0 and household is not null and product is merchandise in the catalogue of that night"

KEYS = {
    "product_index": ("product_index",),
    "household_product": ("household", "product_index"),
    "product": ("product_index",),
    "household": ("household",),
}
"""What a row is about."""

NIGHT_OF = {name: "first_day" if name == "product_index" else "known" for name in KEYS}
"""The column that names the night of a row's partition."""

SORTED = {name: keys if name == "product_index" else (*keys, "day") for name, keys in KEYS.items()}
"""Rows of a partition are sorted by these and unique in them. Most keys have one row, of the night; one of which earlier days
came to be known otherwise is restated whole (restate.py)."""

_DATE, _INT, _LONG, _TEXT = pa.date32(), pa.int32(), pa.int64(), pa.string()

SCHEMAS = {
    "product_index": pa.schema([("product", _TEXT), ("product_index", _INT), ("first_day", _DATE)]),
    "household_product": pa.schema(
        [
            *(("household", _TEXT), ("product_index", _INT), ("day", _DATE), ("known", _DATE)),
            *(("baskets", _INT), ("units", _INT), ("cents", _LONG), ("discount_cents", _LONG)),
            *(("days_total", _INT), ("units_total", _LONG), ("cents_total", _LONG)),
            *(("first_day", _DATE), ("previous_day", _DATE), ("gap_square_total", _LONG)),
        ]
    ),
    "product": pa.schema(
        [
            *(("product_index", _INT), ("day", _DATE), ("known", _DATE)),
            *(("buyers", _INT), ("new_buyers", _INT), ("units", _INT)),
            *(("cents", _LONG), ("discount_cents", _LONG), ("buyers_total", _LONG), ("new_buyers_total", _LONG)),
            *(("units_total", _LONG), ("cents_total", _LONG), ("discount_cents_total", _LONG)),
        ]
    ),
    "household": pa.schema(
        [
            *(("household", _TEXT), ("day", _DATE), ("known", _DATE)),
            *(("baskets", _INT), ("products", _INT), ("new_products", _INT)),
            *(("cents", _LONG), ("baskets_total", _LONG), ("products_total", _LONG), ("new_products_total", _LONG)),
            *(("cents_total", _LONG), ("days_total", _INT), ("first_day", _DATE)),
        ]
    ),
}
DATASETS = tuple(SCHEMAS)

COMPLETE = "features"
"""The dataset without files whose manifest, written last, names a night's four partitions: only it makes a night visible."""


def etl_digest() -> str:
    """Digest of all that the ETL's output depends on besides its inputs and its code."""
    tables = {name: {field.name: str(field.type) for field in schema} for name, schema in SCHEMAS.items()}
    return digest({"tables": tables, "keys": {name: list(keys) for name, keys in KEYS.items()}, "rule": RULE})


def columns(dataset: str) -> dict[str, str]:
    """Names and types of a dataset's columns, for its manifest."""
    return {field.name: str(field.type) for field in SCHEMAS[dataset]}
