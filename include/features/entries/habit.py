"""What one household's past with one product says. A pair exists from its first purchase on."""

from include.features.algebra import (
    Decay,
    Lookup,
    Of,
    OnLast,
    Since,
    Total,
    Window,
    Within,
    clip,
    equal,
    larger,
    log,
    log1p,
    smaller,
    sqrt,
    tanh,
    where,
)
from include.features.entries.products import USUAL_PRICE
from include.features.entry import Entry, Family

TIMES, RECENCY = Total("days"), Since("last")
MORE = TIMES > 1
MEAN = where(MORE, (Since("first") - RECENCY) / larger(TIMES - 1, 1), 0.0)
SPREAD = sqrt(where(MORE, Total("gap_square") / larger(TIMES - 1, 1) - MEAN * MEAN, 0.0))
TYPE_DAYS = Within(Of("product", Lookup("catalogue", "type")), TIMES)
PAID, GIVEN = OnLast("cents"), OnLast("discount_cents")

FAMILIES = (
    Family(
        "pair_recency",
        "pair",
        "How long ago the household bought the product.",
        "personal",
        (
            Entry("recency", log1p(RECENCY), "time since the last purchase", "log days"),
            Entry("age", log1p(Since("first")), "time since the first purchase", "log days"),
        ),
    ),
    Family(
        "pair_window",
        "pair",
        "On how many days the household bought the product within some days up to the night.",
        "personal",
        (
            Entry("days_total", log1p(TIMES), "days with a purchase so far", "log days"),
            *(
                Entry(f"count_{days}", log1p(Window("days", days)), f"days with a purchase in the last {days}", "log days")
                for days in (1, 7, 28, 84, 364)
            ),
            Entry("units_84", log1p(Window("units", 84)), "units in the last 84 days", "log units"),
            Entry("single", equal(TIMES, 1), "bought on one day only", "0 or 1"),
            Entry("units_per_day", log1p(Total("units") / TIMES), "units on a day with a purchase", "log units"),
            Entry(
                "share_of_visits",
                TIMES / larger(Of("household", Total("days")), 1),
                "share of the household's days in the shop on which it bought the product",
                "share",
            ),
        ),
    ),
    Family(
        "pair_decay",
        "pair",
        "Purchases weighted by exp(-days ago / tau).",
        "personal",
        (
            *(
                Entry(f"decay_{tau}", log1p(Decay("days", tau)), f"days with a purchase, fading over {tau} days", "log days")
                for tau in (7, 28, 84, 140)
            ),
            Entry("units_decay_84", log1p(Decay("units", 84)), "units, fading over 84 days", "log units"),
        ),
    ),
    Family(
        "pair_habit",
        "pair",
        "The interval between purchases, and whether the next one is due.",
        "personal",
        (
            Entry("gap_mean", log1p(MEAN), "mean interval between purchases", "log days", "0 before the second purchase"),
            Entry("gap_spread", log1p(SPREAD), "deviation of the intervals", "log days", "0 before the second purchase"),
            Entry(
                "overdue",
                where(MORE, log1p(smaller(RECENCY / larger(MEAN, 1.0), 20.0)), 0.0),
                "time since the last purchase over the mean interval, at most 20",
                "log ratio",
                "0 before the second purchase",
            ),
            Entry(
                "due",
                where(MORE, tanh((RECENCY + 4.0 - MEAN) / (SPREAD + 3.0)), 0.0),
                "whether the middle of the coming week lies before (-1) or after (1) the habitual day",
                "-1 to 1",
                "0 before the second purchase",
            ),
        ),
    ),
    Family(
        "pair_type",
        "pair",
        "The product among those of its type that the household buys.",
        "personal",
        (
            Entry("type_days", log1p(TYPE_DAYS), "days with a purchase of the type, summed over products", "log days"),
            Entry("share_in_type", TIMES / TYPE_DAYS, "the product's share of these", "share"),
        ),
    ),
    Family(
        "pair_price",
        "pair",
        "What the household paid when it last bought the product.",
        "personal",
        (
            Entry(
                "price_against_usual",
                clip(log(PAID / OnLast("units") / Of("product", USUAL_PRICE)), -2.0, 2.0),
                "log of the price of a unit over the product's usual one",
                "log ratio",
                "0 where either is unknown",
            ),
            Entry("discount_share", GIVEN / (PAID + GIVEN), "share of the price that was given off", "share"),
        ),
    ),
)
