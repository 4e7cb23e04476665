"""Lines that were set aside, accepted when later nights stood on their night already, and now come late."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from include.parquet import read_small
from include.store.objects import Store
from include.store.quarantine import RELEASED, released_into


def with_released(
    store: Store, delivered: Sequence[tuple[dt.date, pa.Table]]
) -> tuple[list[tuple[dt.date, pa.Table]], dict[dt.date, dict[str, Any]]]:
    """The deliveries of some nights with the lines that are released into them, and what their manifests say of that."""
    found, said = [], {}
    for night, table in delivered:
        if released := released_into(store, night):
            parts = [_known(read_small(store.fetch(file.sha256)), night) for one in released for file in one.files]
            table = pa.concat_tables([table, *parts])
            said[night] = {RELEASED: [one.name.rpartition("/")[2] for one in released]}
        found.append((night, table))
    return found, said


def _known(events: pa.Table, night: dt.date) -> pa.Table:
    """The same lines, known on another night."""
    at = events.schema.get_field_index("known")
    return events.set_column(at, events.schema.field(at), pa.array([night] * events.num_rows, pa.date32()))
