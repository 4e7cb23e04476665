"""The names and the order of all model inputs, and the constants behind them.

Every feature is a fixed transform of whole-number counters: nothing here is fitted, and no value is ever NaN or
infinite. Scalers are training's business.
"""

from pydantic import BaseModel, ConfigDict

from include.canonical import digest

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


class FeatureSpec(BaseModel):
    """What a model reads, frozen. Names say what a column is; asof.py says how it is made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    history: tuple[str, ...] = HISTORY
    household: tuple[str, ...] = HOUSEHOLD
    product: tuple[str, ...] = PRODUCT
    universe_households: int = 5
    """A product may be answered once this many households have bought it."""
    horizon_days: int = 7
    """The days after the night that an answer is about."""
    version: int = 1
    """Raise it when a feature keeps its name and changes its meaning."""

    @property
    def digest(self) -> str:
        return digest(self.model_dump(mode="json"))


SPEC = FeatureSpec()
