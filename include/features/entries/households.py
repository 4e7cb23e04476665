"""What a household's visits say. All are 0 for a household that has not bought anything so far."""

from include.features.algebra import Decay, Recent, Since, Total, Window, larger, log1p
from include.features.entry import Entry, Family

TRIPS, PRODUCTS = larger(Window("days", 84), 1), Window("products", 84)

FAMILIES = (
    Family(
        "household_visits",
        "household",
        "Days in the shop.",
        "personal",
        (
            Entry("recency", log1p(Since("last")), "time since the last visit", "log days"),
            Entry("age", log1p(Since("first")), "time since the first visit", "log days"),
            Entry("days_total", log1p(Total("days")), "days in the shop so far", "log days"),
            *(
                Entry(f"visits_{days}", log1p(Window("days", days)), f"days in the shop in the last {days}", "log days")
                for days in (1, 7, 28, 84, 364)
            ),
            Entry("visits_decay_28", log1p(Decay("days", 28)), "days in the shop, fading over 28 days", "log days"),
        ),
    ),
    Family(
        "household_basket",
        "household",
        "What is bought on a visit.",
        "personal",
        (
            Entry(
                "products_per_visit_84", log1p(PRODUCTS / TRIPS), "products on a day in the shop, last 84 days", "log products"
            ),
            Entry(
                "new_share_84",
                Window("new_products", 84) / larger(PRODUCTS, 1),
                "share of products bought for the first time, last 84 days",
                "share",
            ),
            Entry(
                "cents_per_visit_84",
                log1p(Window("cents", 84) / TRIPS / 100.0),
                "money spent on a day in the shop, last 84 days",
                "log units of money",
            ),
            Entry("products_known", log1p(Total("new_products")), "different products bought so far", "log products"),
        ),
    ),
    Family(
        "household_sequence",
        "household",
        "The last purchases in order; a purchase is a product on a day.",
        "personal",
        (
            Entry("last_products_50", Recent("product", 50), "products of the last 50 purchases", "product index", "-1"),
            Entry("last_ages_50", Recent("age", 50), "how long ago the last 50 purchases were", "days", "-1"),
        ),
    ),
)
