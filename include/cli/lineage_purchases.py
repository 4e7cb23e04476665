"""The purchases of one household that were known on a night: what its history features came from."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from include.store.manifest import Manifest
from include.store.many import each
from include.store.objects import Store

SHOWN = ("day", "basket", "product", "quantity", "cents")


def purchases(store: Store, events: Sequence[Manifest], household: str, ids: bool) -> dict[str, Any]:
    """Counts and days of a household's lines in some partitions of events, as they were delivered; digests are checked.

    Args:
        ids: also give the lines themselves. They are personal.

    Raises:
        Missing, Damaged: the bytes of a partition are not those that its manifest names.
    """
    import pyarrow.compute as pc
    import pyarrow.dataset as pads

    paths = each(store, store.fetch, [file.sha256 for manifest in events for file in manifest.files])
    if not paths:
        return {"lines": 0, "baskets": 0, "days": 0, "first": None, "last": None}
    data = pads.dataset([str(path) for path in paths], format="parquet")
    found = data.to_table(columns=list(SHOWN), filter=pc.field("household") == household)
    days: list[dt.date] = sorted(found["day"].unique().to_pylist())
    told = {
        "lines": found.num_rows,
        "baskets": len(found["basket"].unique()),
        "days": len(days),
        "first": str(days[0]) if days else None,
        "last": str(days[-1]) if days else None,
    }
    order = [(name, "ascending") for name in SHOWN[:3]]
    return told | ({"ids": found.sort_by(order).to_pylist()} if ids else {})
