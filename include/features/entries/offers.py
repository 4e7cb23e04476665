"""Who a household is, what it was sent, and what its stores show. All of it is 0 in a shop that has no such tables."""

from include.features.algebra import Expr, Key, Lookup, Of, larger, log1p, where
from include.features.entry import Entry, Family
from include.features.offers import CAMPAIGNS, STORES
from include.sources.extras import TRAITS

HOUSEHOLD = Key("household")
SHOWN = {
    "display": "on display",
    "end_cap": "on an end-cap",
    "mailer": "in the mailer",
    "front_page": "on the front page of the mailer",
    "mailer_coupon": "as a coupon in the mailer",
}
"""How a sentence names each kind of place."""


def total(values: list[Expr]) -> Expr:
    """The sum of expressions."""
    first, *others = values
    for value in others:
        first = first + value
    return first


def _campaign(name: str) -> Expr:
    return Of("household", Lookup("campaigns", name))


def _home(name: str) -> Expr:
    return Of("household", Lookup("home", name))


def _shown(kind: str, place: int) -> Expr:
    return Lookup("store_plan", kind, by=(_home(f"store_{place}"), Key("product")))


def _used(name: str) -> Expr:
    return Lookup("redeemed_campaigns", "redeemed", by=(HOUSEHOLD, _campaign(name)))


COUPONS = {name: Lookup("coupons", "coupons", by=(_campaign(name), Key("product"))) for name in CAMPAIGNS}

FAMILIES = (
    Family(
        "household_demographics",
        "household",
        "What the shop was told of a household; most are not known.",
        "personal",
        (
            Entry("demographics_known", Lookup("demographics", "listed"), "whether the shop knows who lives there", "0 or 1"),
            *(
                Entry(f"{trait}_code", Lookup("demographics", f"{trait}_code"), f"{trait} as a number", "place", "0 unknown")
                for trait in TRAITS
            ),
        ),
        freshness="when the table is delivered again",
    ),
    Family(
        "household_campaigns",
        "household",
        "Campaigns that the household was sent, known from their start.",
        "personal",
        (
            Entry("campaigns_running", Lookup("campaigns", "running"), "campaigns that run on the next day", "campaigns"),
            Entry("campaign_days_left", Lookup("campaigns", "days_left"), "days until the last of them ends", "days"),
            Entry("campaigns_sent", log1p(Lookup("campaigns", "sent")), "campaigns sent so far", "log campaigns"),
            Entry("coupons_redeemed", log1p(Lookup("redemptions", "redeemed")), "coupons redeemed so far", "log coupons"),
            Entry(
                "redeemed_per_campaign",
                Lookup("redemptions", "redeemed") / larger(Lookup("campaigns", "sent"), 1),
                "coupons redeemed for each campaign sent",
                "coupons",
            ),
        ),
    ),
    Family(
        "pair_coupons",
        "pair",
        "Coupons for the product in the campaigns that the household was sent and that run on the next day.",
        "personal",
        (
            Entry(
                "coupons",
                log1p(total(list(COUPONS.values()))),
                "coupons for the product that the household can redeem",
                "log coupons",
            ),
            Entry(
                "coupon_redeemer",
                log1p(total([where(COUPONS[name] > 0, _used(name), 0) for name in CAMPAIGNS])),
                "coupons redeemed so far in those of these campaigns that have one for the product",
                "log coupons",
            ),
        ),
    ),
    Family(
        "household_stores",
        "household",
        "In which stores the household made its baskets of the last 84 days.",
        "personal",
        (
            Entry("usual_store_share", Lookup("home", "share_1"), "share of them made there", "share"),
            Entry("stores_84", log1p(Lookup("home", "stores")), "different stores", "log stores"),
        ),
    ),
    Family(
        "pair_store_plan",
        "pair",
        "Where the household's own stores show the product in the coming week.",
        "personal",
        (
            *(
                Entry(f"home_{kind}", _shown(kind, 1), f"whether its usual store has it {words}", "0 or 1", "0 without a plan")
                for kind, words in SHOWN.items()
            ),
            *(
                Entry(
                    f"near_{kind}",
                    total([_home(f"share_{place}") * _shown(kind, place) for place in range(1, STORES + 1)]),
                    f"share of its baskets of 84 days that were made in stores which have it {words}",
                    "share",
                    "0 without a plan",
                )
                for kind, words in SHOWN.items()
            ),
        ),
        freshness="every Sunday",
    ),
)
