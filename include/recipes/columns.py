"""Which features a recipe reads, by name and in order; include/features/entries says what each of them is."""

from pydantic import BaseModel, ConfigDict

HISTORY = (
    "recency",
    "days_total",
    "decay_7",
    "decay_28",
    "decay_84",
    "decay_140",
    "count_28",
    "count_84",
    "gap_mean",
    "gap_spread",
    "overdue",
    "due",
    "units_per_day",
    "age",
    "share_of_visits",
    "price_against_usual",
    "discount_share",
    "single",
)
HOUSEHOLD = (
    "recency",
    "visits_28",
    "visits_84",
    "days_total",
    "products_per_visit_84",
    "new_share_84",
    "cents_per_visit_84",
    "products_known",
)
PRODUCT = (
    "buyers_7",
    "buyers_28",
    "buyers_84",
    "buyers_364",
    "trend",
    "new_buyers_7",
    "new_buyers_28",
    "repeat_rate",
    "usual_price",
    "price_against_usual",
    "discount_share_28",
    "display_share",
    "mailer_share",
    "age",
    "recency",
)
SHOWN = ("end_cap_share", "front_page_share", "mailer_coupon_share")
BEFORE = tuple(f"{kind}_share_before" for kind in ("display", "end_cap", "mailer", "front_page", "mailer_coupon"))
DEMAND = ("buyers_1", "buyers_decay_7", "buyers_decay_28", "buyers_decay_84", "new_buyers_84", "new_buyers_364")
PROMOTED = (*PRODUCT, *SHOWN, *BEFORE, *DEMAND, "share_in_type_28", "type_buyers_28")
"""All that is known of a product: where it is and was promoted, and how its demand stands in time and in its type."""


class Columns(BaseModel):
    """Names of entries: `history` of a pair, `product` of a product, `household` of a household or of the night, `sequences`
    of a household's lists (each an input of its own). Those of a product lie in the model; a caller sends the others."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    history: tuple[str, ...] = HISTORY
    household: tuple[str, ...] = HOUSEHOLD
    product: tuple[str, ...] = PRODUCT
    sequences: tuple[str, ...] = ()
