"""The suite of computed features: from their schemas, and what must hold between them, the raw lines and earlier nights."""

from include.quality.check import BLOCK, Check
from include.quality.feature_profile import CUMULATED
from include.quality.shape import FEATURES

REBUILD = "Clear build_features from its first task for {first} to {last}; if it happens again it is a defect of the ETL"

SHAPES = {
    "other_day": "rows of another night",
    "index_gaps": "product indexes that do not go on from those given before",
    "product_index__unknown": "an index for what the catalogue does not sell",
    "household_product__unknown": "household_product with an index that no product has",
    "product__unknown": "product with an index that no product has",
    **{f"{dataset}_broken": f"counters of {dataset} that do not go on from the day before" for dataset in CUMULATED},
}
FLOWS = {
    "cents_lost": "the money of the day's lines is not the money in household_product",
    "cents_apart": "household_product, product and household hold different money",
    "units_lost": "the units of the day's lines are not those in household_product",
    "discount_lost": "the discounts of the day's lines are not those in household_product",
    "pairs_lost": "the day's pairs of household and product are not the rows of household_product",
    "baskets_lost": "the day's baskets are not those in household",
    "buyers_apart": "buyers are not the rows of household_product",
    "new_apart": "first purchases are counted differently in household_product, product and household",
}


def feature_checks() -> list[Check]:
    """All checks of computed features; every one blocks, since counters carry a mistake on for ever."""
    shapes = [check for shape in FEATURES for check in shape.checks(BLOCK, REBUILD)]
    return shapes + [_zero(name, what, name) for name, what in SHAPES.items()] + [_zero(*one) for one in FLOWS.items()]


def _zero(name: str, what: str, rows: str = "") -> Check:
    why = "What goes in comes out, once, and goes on from the night before. Anything else is a defect of the ETL."
    return Check(name=name, column=name, low=0, high=0, severity=BLOCK, rows=rows, what=what, why=why, todo=REBUILD)
