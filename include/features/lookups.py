"""The tables that features are looked up in. A further one is one more entry of TABLES; lookup.py says what it consists of."""

import datetime as dt

import pyarrow as pa
import pyarrow.compute as pc

from include.features.chain import catalogue_night
from include.features.lookup import Table
from include.features.offers import OFFERS, in_stores, placed
from include.features.text import query_of
from include.sources.extras import KINDS
from include.sources.landing import plan_night
from include.store.objects import Store


def _catalogue(store: Store, night: dt.date) -> list[dt.date]:
    return [catalogue_night(store, night)]


def _words(rows: pa.Table, night: dt.date) -> pa.Table:
    """The text of each product as somebody would search for it: the words of its type and its category."""
    texts = [pc.fill_null(rows[name], "") for name in ("type", "category")]
    joined = pc.binary_join_element_wise(*texts, " ").combine_chunks().dictionary_encode()
    words = pa.array([query_of(text) for text in joined.dictionary.to_pylist()], pa.string())
    return pa.table({"product": rows["product"], "words": words.take(joined.indices)})


WEEK = dt.timedelta(days=7)
CONTENT = ("department", "category", "type", "manufacturer", "brand", "size")

TABLES = {
    "catalogue": Table("products", ("product",), dict.fromkeys(CONTENT, "text"), _catalogue),
    "texts": Table("products", ("product",), {"words": "text"}, _catalogue, _words),
    "plan": Table(
        "promotions",
        ("product",),
        dict.fromkeys(("display_stores", "mailer_stores", "stores"), "int"),
        lambda store, night: [plan_night(night)],
    ),
    "plan_before": Table("promotions", ("product",), {"stores": "int"}, lambda store, night: [plan_night(night) - WEEK]),
    "shown": Table(
        "placements", ("product",), dict.fromkeys(KINDS, "int"), lambda store, night: [plan_night(night)], in_stores, placed
    ),
    "shown_before": Table(
        "placements",
        ("product",),
        dict.fromkeys(KINDS, "int"),
        lambda store, night: [plan_night(night) - WEEK],
        in_stores,
        placed,
    ),
    **OFFERS,
}
"""The plan of promotions is that of the week which begins with the day after the night, or holds it;
`before` is the one of the week before."""
