"""Who reads which landed dataset, and for which version of its contract each was written. Landing refuses another one."""

from include.features.algebra import Lookup, walk
from include.features.entries import FAMILIES
from include.features.lookups import TABLES
from include.sources.contract import Pins

ETL = {"events": 1, "products": 1}
VERSIONS = {
    **dict.fromkeys(("events", "products", "promotions", "placements"), 1),
    **dict.fromkeys(("households", "campaigns", "coupons", "redemptions"), 1),
}
"""The versions for which the tables of lookups.py were written. Raise one with the code that understands the new version."""


def pins() -> Pins:
    """The ETL, and each family of features with the landed datasets that its entries look things up in."""
    found: dict[str, dict[str, int]] = {"etl": ETL}
    for family in FAMILIES:
        nodes = [node for entry in family.entries for _, node in walk(entry.value, family.entity)]
        datasets = {TABLES[node.table].dataset for node in nodes if isinstance(node, Lookup)}
        if reads := {dataset: VERSIONS[dataset] for dataset in sorted(datasets) if dataset in VERSIONS}:
            found[family.name] = reads
    return found
