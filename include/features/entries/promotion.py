"""The plan of promotions for the week after the night, known on its Sunday."""

from include.features.algebra import Lookup, larger
from include.features.entry import Entry, Family

STORES = larger(Lookup("plan", "stores"), 1)

FAMILIES = (
    Family(
        "promotion_plan",
        "product",
        "Where the product is promoted in the coming week.",
        "shop",
        (
            Entry("display_share", Lookup("plan", "display_stores") / STORES, "share of stores that display it", "share"),
            Entry("mailer_share", Lookup("plan", "mailer_stores") / STORES, "share of stores with it in the mailer", "share"),
        ),
        freshness="every Sunday",
    ),
)
