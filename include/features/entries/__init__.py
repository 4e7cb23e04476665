"""All features. A further one is one more entry in the family that it belongs to; a further family is one more in this list."""

from include.features.entries import habit, households, night, offers, products, promotion
from include.features.entry import collect

FAMILIES = (
    *habit.FAMILIES,
    *households.FAMILIES,
    *products.FAMILIES,
    *promotion.FAMILIES,
    *offers.FAMILIES,
    *night.FAMILIES,
)
ENTRIES = collect(FAMILIES)
"""(entity, name) -> (family, entry)."""
