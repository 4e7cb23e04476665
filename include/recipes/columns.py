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


class Columns(BaseModel):
    """Names of entries: `history` of a pair, `product` of a product, `household` of a household or of the night, `sequences`
    of a household's lists (each an input of its own). Those of a product lie in the model; a caller sends the others."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    history: tuple[str, ...] = HISTORY
    household: tuple[str, ...] = HOUSEHOLD
    product: tuple[str, ...] = PRODUCT
    sequences: tuple[str, ...] = ()
