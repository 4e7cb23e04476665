"""Which values of a recipe a search may try; declared beside the recipe, and checked when the recipes are loaded."""

import math
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from include.errors import Refused
from include.recipes.recipe import Recipe

TUNABLE = ("learning_rate", "hidden", "epochs", "batch", "embedding", "embedding_rate", "shortlist")
"""Fields that leave the assembled examples as they are, so that all trials of a search share them."""
Value = int | float | tuple[int, ...]


class Between(BaseModel):
    """Every number from `low` to `high`, evenly or by its logarithm; a grid takes `points` of them, both ends among them."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    low: float
    high: float
    log: bool = True
    points: int = Field(default=4, ge=2, le=20)

    @model_validator(mode="after")
    def _ordered(self) -> "Between":
        if self.high <= self.low or (self.log and self.low <= 0):
            raise ValueError(f"{self.low} to {self.high} is no range")
        return self

    def holds(self, value: Any) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool) and self.low <= value <= self.high

    def grid(self) -> tuple[Value, ...]:
        steps = [i / (self.points - 1) for i in range(self.points)]
        inner = [self._at(step) for step in steps[1:-1]]
        return (self.low, *inner, self.high)

    def _at(self, share: float) -> float:
        if not self.log:
            return self.low + share * (self.high - self.low)
        return math.exp(math.log(self.low) + share * (math.log(self.high) - math.log(self.low)))


class Among(BaseModel):
    """One of some values."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    values: tuple[Value, ...] = Field(min_length=1, max_length=20)

    def holds(self, value: Any) -> bool:
        return plain(value) in self.values and not isinstance(value, bool)

    def grid(self) -> tuple[Value, ...]:
        return self.values


Space = Mapping[str, Between | Among]


def check(space: Space, recipe: Recipe) -> None:
    """Raises ValueError: a name that no search may try, values that the recipe does not take, or its own are not among them."""
    if not space:
        raise ValueError(f"the space of {recipe.name} is empty")
    for name, knob in space.items():
        if name not in TUNABLE:
            raise ValueError(f"'{name}' cannot be searched; these can: {', '.join(TUNABLE)}")
        if not knob.holds(getattr(recipe, name)):
            raise ValueError(f"the recipe's own {name}, {getattr(recipe, name)}, is not in its space")
        for value in knob.grid():
            with_values(recipe, {name: value})


def with_values(recipe: Recipe, values: Mapping[str, Any]) -> Recipe:
    """The recipe with other values of what can be searched.

    Raises:
        Refused: another name, or a value that the recipe does not take.
    """
    odd = sorted(map(str, set(values) - set(TUNABLE)))
    hidden = values.get("hidden", recipe.hidden)
    try:
        if odd or not isinstance(hidden, list | tuple) or len(hidden) != len(recipe.hidden) or min(hidden, default=1) < 1:
            raise ValueError(f"{odd[0][:40]} is none of {', '.join(TUNABLE)}" if odd else f"hidden {hidden!s:.80}")
        return Recipe.model_validate(recipe.model_dump() | dict(values))
    except (ValidationError, ValueError, TypeError) as error:
        said = "; ".join(f"{e['loc'][0]}: {e['msg']}" for e in error.errors()) if isinstance(error, ValidationError) else error
        raise Refused(f"Recipe {recipe.name} does not take these values: {said}", "Search its space again") from error


def plain(value: Any) -> Any:
    """A list of JSON as the tuple that it was."""
    return tuple(value) if isinstance(value, list) else value
