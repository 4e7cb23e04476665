"""What the shop knows of a product. A product exists from the first purchase by anybody on."""

from include.features.algebra import Decay, Lookup, OnLast, Since, Total, Window, Within, clip, larger, log, log1p, where
from include.features.entry import Entry, Family
from include.features.lookups import CONTENT
from include.words import counted

YEAR = 364
"""Whole weeks, so that every weekday counts as often."""

SOLD, SOLD_NOW = Window("units", YEAR) > 0, Window("units", 7) > 0
USUAL_PRICE = where(SOLD, Window("cents", YEAR), Total("cents")) / where(SOLD, Window("units", YEAR), larger(Total("units"), 1))
"""Cents a unit over the last year, or over all time when nothing was sold in it."""
PRICE = where(SOLD_NOW, Window("cents", 7), OnLast("cents")) / where(SOLD_NOW, Window("units", 7), larger(OnLast("units"), 1))
"""Cents a unit over the last week, or on the last day of sale."""
GIVEN, PAID = Window("discount_cents", 28), Window("cents", 28)

FAMILIES = (
    Family(
        "product_demand",
        "product",
        "How many households bought the product; one counts once a day.",
        "shop",
        (
            *(
                Entry(
                    f"buyers_{days}", log1p(Window("buyers", days)), f"buyers in the last {counted(days, 'day')}", "log buyers"
                )
                for days in (1, 7, 28, 84, YEAR)
            ),
            *(
                Entry(
                    f"new_buyers_{days}",
                    log1p(Window("new_buyers", days)),
                    f"households whose first purchase of it lies in the last {counted(days, 'day')}",
                    "log households",
                )
                for days in (1, 7, 28, 84, YEAR)
            ),
            *(
                Entry(f"buyers_decay_{tau}", log1p(Decay("buyers", tau)), f"buyers, fading over {tau} days", "log buyers")
                for tau in (7, 28, 84)
            ),
            Entry(
                "trend",
                log((4.0 * Window("buyers", 7) + 1.0) / (Window("buyers", 28) + 1.0)),
                "buyers of the last week over those of four weeks",
                "log ratio",
            ),
            Entry(
                "repeat_rate",
                1.0 - Total("new_buyers") / larger(Total("buyers"), 1),
                "share of purchases by households that had bought it before",
                "share",
            ),
        ),
    ),
    Family(
        "product_recency",
        "product",
        "How long the product has been sold.",
        "shop",
        (
            Entry("age", log1p(Since("first")), "time since the first sale", "log days"),
            Entry("recency", log1p(Since("last")), "time since the last sale", "log days"),
        ),
    ),
    Family(
        "product_price",
        "product",
        "Price and discount.",
        "shop",
        (
            Entry("usual_price", log1p(USUAL_PRICE), "price of a unit over the last 364 days", "log cents"),
            Entry(
                "price_against_usual",
                clip(log(PRICE / USUAL_PRICE), -2.0, 2.0),
                "log of the price of the last week over the usual one",
                "log ratio",
                "0 where either is unknown",
            ),
            Entry("discount_share_28", GIVEN / larger(GIVEN + PAID, 1), "share given off in 28 days", "share"),
        ),
    ),
    Family(
        "product_content",
        "product",
        "Texts of the catalogue as known on the night.",
        "public",
        (
            *(
                Entry(name, Lookup("catalogue", name), f"the catalogue's {name}", "text", '"" where unknown')
                for name in CONTENT
            ),
            Entry("words", Lookup("texts", "words"), "words of type and category in lower case", "text", '"" where unknown'),
        ),
        freshness="when the catalogue changes",
    ),
    Family(
        "product_in_type",
        "product",
        "The product among those of its type.",
        "shop",
        (
            Entry(
                "share_in_type_28",
                Window("buyers", 28) / Within(Lookup("catalogue", "type"), Window("buyers", 28)),
                "share of the type's buyers of 28 days",
                "share",
            ),
            Entry(
                "type_buyers_28",
                log1p(Within(Lookup("catalogue", "type"), Window("buyers", 28))),
                "buyers of the type's products in 28 days",
                "log buyers",
            ),
        ),
    ),
)
