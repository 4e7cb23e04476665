"""`home`: what will this household buy in the coming week?"""

from include.recipes.columns import PRODUCT, Columns
from include.recipes.recipe import Recipe

SHOWN = ("end_cap_share", "front_page_share", "mailer_coupon_share")
BEFORE = tuple(f"{kind}_share_before" for kind in ("display", "end_cap", "mailer", "front_page", "mailer_coupon"))
DEMAND = ("buyers_1", "buyers_decay_7", "buyers_decay_28", "buyers_decay_84", "new_buyers_84", "new_buyers_364")

RECIPES = (
    Recipe(surface="home", name="popularity", model="popularity"),
    Recipe(
        surface="home",
        name="quick",
        model="pair_ranker",
        embedding=16,
        epochs=4,
        batch=128,
        learning_rate=3e-3,
    ),
    Recipe(
        surface="home",
        name="two_stage",
        model="two_stage",
        columns=Columns(product=(*PRODUCT, *SHOWN, *BEFORE, *DEMAND, "share_in_type_28", "type_buyers_28")),
        train_weeks=10,
        history_slots=384,
        hot_products=8000,
        shortlist=116,
        factors=64,
        hidden=(128, 64),
        epochs=4,
        batch=64,
        learning_rate=2e-3,
    ),
)
