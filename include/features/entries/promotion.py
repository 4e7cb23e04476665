"""The plan of promotions for the week after the night, known on its Sunday."""

from include.features.algebra import Lookup, larger
from include.features.entry import Entry, Family

STORES, STORES_BEFORE = (larger(Lookup(table, "stores"), 1) for table in ("plan", "plan_before"))
SHOWN = {
    "display": "display it",
    "end_cap": "have it on an end-cap",
    "mailer": "have it in the mailer",
    "front_page": "have it on the front page of the mailer",
    "mailer_coupon": "have it as a coupon in the mailer",
}

FAMILIES = (
    Family(
        "promotion_plan",
        "product",
        "Where the product is promoted in the coming week.",
        "shop",
        (
            Entry("display_share", Lookup("plan", "display_stores") / STORES, "share of stores that display it", "share"),
            Entry("mailer_share", Lookup("plan", "mailer_stores") / STORES, "share of stores with it in the mailer", "share"),
            *(
                Entry(f"{kind}_share", Lookup("shown", kind) / STORES, f"share of stores that {SHOWN[kind]}", "share")
                for kind in ("end_cap", "front_page", "mailer_coupon")
            ),
        ),
        freshness="every Sunday",
    ),
    Family(
        "promotion_before",
        "product",
        "Where the product was promoted in the week before: what sold then may owe it to that.",
        "shop",
        tuple(
            Entry(
                f"{kind}_share_before",
                Lookup("shown_before", kind) / STORES_BEFORE,
                f"share of stores that, the week before, {words.replace('have', 'had').replace('display', 'displayed')}",
                "share",
            )
            for kind, words in SHOWN.items()
        ),
        freshness="every Sunday",
    ),
)
