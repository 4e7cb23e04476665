"""The promotion plan of the week that begins with the day after a night, or holds it."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from include.sources.landing import plan_night
from include.store.objects import Store
from include.store.partitions import find_manifest


def plan_shares(store: Store, night: dt.date, product_ids: pa.Array) -> np.ndarray:
    """float64 [V, 2]: share of stores with each product on display, and in the mailer; zeros without a plan."""
    shares = np.zeros((len(product_ids), 2))
    manifest = find_manifest(store, "promotions", plan_night(night))
    for file in manifest.files if manifest else []:
        table = pq.read_table(store.fetch(file.sha256))
        place = pc.index_in(table["product"], value_set=product_ids)
        known = place.is_valid().to_numpy()
        where = place.fill_null(0).to_numpy()[known]
        stores = np.maximum(table["stores"].to_numpy()[known], 1)
        for column, name in enumerate(("display_stores", "mailer_stores")):
            shares[where, column] = table[name].to_numpy()[known] / stores
    return shares
