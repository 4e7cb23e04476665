"""An entry is one feature: its expression and what the catalogue says of it. A family is what some entries have in common."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from include.errors import Refused
from include.features.algebra import Expr
from include.features.kinds import ENTITIES, kind_of

Privacy = Literal["public", "shop", "personal"]


@dataclass(frozen=True)
class Entry:
    """One feature.

    name: unique in its entity. empty: the null rule, what the value is where there is nothing to compute it from.
    """

    name: str
    value: Expr
    meaning: str
    unit: str
    empty: str = "0"


@dataclass(frozen=True)
class Family:
    """Entries of one entity (pair, product, household, night).

    privacy: public (anybody may know it), shop (business of the shop), personal (of one household). owner: the room that
    answers for it. freshness: when a value can change.
    """

    name: str
    entity: str
    about: str
    privacy: Privacy
    entries: tuple[Entry, ...]
    owner: str = "features"
    freshness: str = "every night"


def collect(families: Iterable[Family]) -> dict[tuple[str, str], tuple[Family, Entry]]:
    """Entries by (entity, name), all seen to be sound.

    Raises:
        Refused: two entries of one name, an unknown entity, or an expression that cannot be computed.
    """
    found: dict[tuple[str, str], tuple[Family, Entry]] = {}
    for family in families:
        if family.entity not in ENTITIES:
            raise Refused(
                f"Family {family.name} is of a {family.entity}, which does not exist", f"Choose one of {', '.join(ENTITIES)}"
            )
        for entry in family.entries:
            key = family.entity, entry.name
            if key in found:
                raise Refused(f"Two features of a {family.entity} are called {entry.name}", f"Rename the one in {family.name}")
            try:
                kind_of(entry.value, family.entity)
            except Refused as error:
                raise Refused(f"Feature {family.entity}.{entry.name}: {error.what}", error.todo) from error
            found[key] = family, entry
    return found
