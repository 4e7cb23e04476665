"""Nights that deliver late lines or corrections: which keys they touch, and their histories told again from the lines.

Such a night restates each touched pair, product and household whole: its rows of all days, as known on the night, in the
night's own partition. No older partition changes. The histories are computed by the same functions as ever, from the lines
in force of all that the touched households and products have bought.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads

from include.features.tables import KEYS
from include.sources.late import LINE, in_force, late_of
from include.sources.source import EVENTS
from include.store.many import each
from include.store.objects import Store
from include.store.partitions import fetch, read_manifest

SAYS = ("household", "quantity", "cents", "discount_cents", "store")
"""What a correction can change. A line that is delivered again and says the same touches nothing."""


@dataclass(frozen=True)
class Touched:
    """The pairs (household, product) of which a night's late lines change an earlier day."""

    pairs: pa.Table

    def keys(self, dataset: str, index: pa.Table) -> pa.Table:
        """The touched keys of a dataset; `index` is product_index. A product that never counted has no key."""
        pairs = self.pairs.join(index.select(["product", "product_index"]), "product", join_type="inner")
        return pairs.select(list(KEYS[dataset])).group_by(list(KEYS[dataset])).aggregate([])


def late_nights(store: Store, nights: Sequence[dt.date]) -> list[dt.date]:
    """Those of the nights that delivered lines of earlier days."""
    found = each(store, lambda night: late_of(read_manifest(store, "events", night)), nights)
    return [night for night, lines in zip(nights, found, strict=True) if lines]


def in_parts(nights: Sequence[dt.date], late: Sequence[dt.date]) -> list[list[dt.date]]:
    """Consecutive nights to build at once; a night with late lines stands alone, since it restates what others go on from."""
    parts: list[list[dt.date]] = []
    alone = set(late)
    for night in nights:
        if night in alone or not parts or parts[-1][-1] in alone:
            parts.append([])
        parts[-1].append(night)
    return parts


def touched_by(store: Store, night: dt.date, before: Sequence[dt.date]) -> Touched:
    """What the late lines of a night change. `before` are all nights since the shop's first, without this one."""
    late = _late(store, [night])
    changed = _changed(late, _alike(store, before, late))
    return Touched(changed.select(["household", "product"]).drop_null().group_by(["household", "product"]).aggregate([]))


def lines_of(store: Store, touched: Touched, nights: Sequence[dt.date]) -> pa.Table:
    """EVENTS in force of all these nights, the touched households' and products'."""
    pairs, events = touched.pairs, _dataset(store, nights)
    of_household = pc.field("household").isin(pairs["household"].unique())
    lines = events.to_table(filter=of_household | pc.field("product").isin(pairs["product"].unique()))
    return in_force(lines, _late(store, late_nights(store, nights)))


def _late(store: Store, nights: Sequence[dt.date]) -> pa.Table:
    return _dataset(store, nights).to_table(filter=pc.field("day") < pc.field("known"))


def _dataset(store: Store, nights: Sequence[dt.date]) -> pads.Dataset:
    return pads.dataset([str(path) for path in fetch(store, "events", nights)], schema=EVENTS, format="parquet")


def _alike(store: Store, before: Sequence[dt.date], late: pa.Table) -> pa.Table:
    """The lines in force before the night which its late lines take the place of."""
    same = pc.field("basket").isin(late["basket"].unique()) & pc.field("day").isin(late["day"].unique())
    found = _dataset(store, before).to_table(filter=same) if before else EVENTS.empty_table()
    keys = late.select(list(LINE))
    return in_force(found.join(keys, list(LINE), join_type="left semi").select(EVENTS.names))


def _changed(late: pa.Table, earlier: pa.Table) -> pa.Table:
    """Lines before and after, of those that say something new."""
    whole = [*LINE, *SAYS]
    both = pa.concat_tables([late.select(whole), earlier.select(whole)])
    alike = both.group_by(whole).aggregate([([], "count_all")])
    return alike.filter(pc.equal(alike["count_all"], 1))
