"""What a model reads: the entries that a recipe chose, seen to exist, with a digest of what they mean.

Every feature is a fixed transform of whole-number counters: nothing here is fitted, and no value is ever NaN or
infinite. Scalers are training's business.
"""

from collections.abc import Iterator
from functools import cached_property

from pydantic import BaseModel, ConfigDict

from include.canonical import digest
from include.errors import Refused
from include.features.algebra import Context, Decay, Expr, Lookup, OnLast, Total, Window, walk
from include.features.entries import ENTRIES
from include.features.kinds import DATASET, NUMBERS, kind_of
from include.features.nearest import nearest
from include.recipes.columns import Columns

SIDES = {"history": ("pair",), "household": ("household", "night"), "product": ("product",), "sequences": ("household",)}
"""The entities whose entries a side may name; the first that has the name gives it."""
NEEDED = (("pair", Total("days")), ("product", Total("new_buyers")))
"""What is read whatever the recipe: slots are given by days, the universe by buyers."""


class FeatureSpec(BaseModel):
    """What a model reads, frozen."""

    model_config = ConfigDict(frozen=True, extra="forbid", ignored_types=(cached_property,))

    columns: Columns = Columns()
    universe_households: int = 5
    """A product may be answered once this many households have bought it."""
    horizon_days: int = 7
    """The days after the night that an answer is about."""

    @cached_property
    def chosen(self) -> dict[str, tuple[tuple[str, Expr], ...]]:
        """(entity, expression) of each column by side, in order.

        Raises:
            Refused: there is no such feature, or not on this side, or one is named twice.
        """
        return {side: tuple(_chosen(side, getattr(self.columns, side))) for side in SIDES}

    @cached_property
    def digest(self) -> str:
        """Of names and formulas: a feature that changes its meaning changes it, one that nobody chose does not."""
        meant = {side: [f"{entity} {value}" for entity, value in values] for side, values in self.chosen.items()}
        return digest(self.model_dump(mode="json") | {"formulas": meant})

    @cached_property
    def counters(self) -> dict[str, tuple[str, ...]]:
        """The columns of each dataset that these features are computed from, sorted."""
        read: dict[str, set[str]] = {dataset: set() for dataset in DATASET.values()}
        for entity, node in self._nodes():
            match node:
                case Total(counter) | Window(counter, _):
                    read[DATASET[entity]].add(f"{counter}_total")
                case Decay("days", _):
                    pass
                case OnLast(counter) | Decay(counter, _):
                    read[DATASET[entity]].add(counter)
        return {dataset: tuple(sorted(names)) for dataset, names in read.items()}

    @property
    def widths(self) -> dict[str, int]:
        """Number of features by side."""
        return {side: len(self.chosen[side]) for side in ("history", "product", "household")}

    @cached_property
    def reads_calendar(self) -> bool:
        """Whether a feature depends on the shop's country."""
        return any(isinstance(node, Context) for _, node in self._nodes())

    @cached_property
    def tables(self) -> tuple[str, ...]:
        """The names of the tables that these features are looked up in, sorted."""
        return tuple(sorted({node.table for _, node in self._nodes() if isinstance(node, Lookup)}))

    def _nodes(self) -> Iterator[tuple[str, Expr]]:
        for entity, value in (*NEEDED, *(column for side in self.chosen.values() for column in side)):
            yield from walk(value, entity)


def _chosen(side: str, names: tuple[str, ...]) -> Iterator[tuple[str, Expr]]:
    for name in names:
        entity = next((entity for entity in SIDES[side] if (entity, name) in ENTRIES), None)
        kinds = ("list",) if side == "sequences" else NUMBERS
        if entity is None or kind_of(ENTRIES[entity, name][1].value, entity) not in kinds:
            raise Refused(
                f"There is no feature {name[:60]} for {side}{nearest(name, _known(side, kinds))}", "Correct the recipe"
            )
        if names.count(name) > 1:
            raise Refused(f"The recipe names {side} feature {name} twice", "Name it once")
        yield entity, ENTRIES[entity, name][1].value


def _known(side: str, kinds: tuple[str, ...]) -> list[str]:
    return [n for (e, n), (_, entry) in ENTRIES.items() if e in SIDES[side] and kind_of(entry.value, e) in kinds]


SPEC = FeatureSpec()
