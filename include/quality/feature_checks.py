"""What computed features must satisfy before they become visible."""

from include.quality.check import Check
from include.quality.feature_profile import CUMULATED

REBUILD = "Clear build_features from its first task for {first} to {last}; if it happens again it is a defect of the ETL"

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
    """All checks of computed features; every one is critical, since counters carry a mistake on for ever."""
    shapes = {
        "malformed": "a table without the columns or types that readers expect",
        "doubled": "a key more than once",
        "nulls": "a null where none may be",
        "other_day": "rows of another night",
        "index_gaps": "product indexes that do not go on from those given before",
    }
    counters = {f"{dataset}_broken": f"counters of {dataset} that do not go on from the day before" for dataset in CUMULATED}
    counted = [_zero(name, what, rows=name) for name, what in (shapes | counters).items()]
    return counted + [_zero(name, what) for name, what in FLOWS.items()]


def _zero(name: str, what: str, rows: str = "") -> Check:
    return Check(name=name, column=name, low=0, high=0, rows=rows, what=what, todo=REBUILD)
