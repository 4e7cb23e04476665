"""What a search is asked for, and what its trials tell: values, kept as JSON.

A search of night n judges its trials on the weeks right before the gate weeks of n, as the gates would measure a model of the
night on which the gate weeks begin. So no gate judges what was chosen on its own weeks, and nothing of a later day is read.
"""

import datetime as dt
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from include import recipes
from include.canonical import digest
from include.recipes.recipe import Recipe
from include.recipes.space import Space, plain, with_values

DAY = dt.timedelta(days=1)
MOST = 64
"""Trials of a search: their values go through XCom."""
Values = dict[str, Any]
"""Values of a recipe's fields by name, lists as tuples."""


class Way(StrEnum):
    """How values are chosen."""

    GRID = "grid"
    RANDOM = "random"
    BAYES = "bayes"
    HALVING = "halving"


class Search(BaseModel):
    """One search. `minutes` is what all trials together may take, and no part of its key: more may be given later."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    surface: str
    recipe: str
    night: dt.date
    way: Way = Way.BAYES
    trials: int = Field(default=16, ge=2, le=MOST)
    minutes: float = Field(default=30, gt=0, le=24 * 60)

    def get_recipe(self) -> Recipe:
        return recipes.get(self.surface, self.recipe)

    @property
    def space(self) -> Space:
        return recipes.space(self.surface, self.recipe)

    @property
    def judged_from(self) -> dt.date:
        """The night on which the gate weeks begin: trials see what was known at its end."""
        return self.night - 7 * self.get_recipe().gate_weeks * DAY

    def key(self, inputs: str) -> str:
        """Where its documents lie; `inputs` is the digest of what was assembled. Another recipe or space is another search."""
        space = {name: [type(knob).__name__, knob.model_dump(mode="json")] for name, knob in self.space.items()}
        asked = self.model_dump(mode="json", include={"way", "trials"}) | {"space": space}
        name = digest({"asked": asked, "recipe": self.get_recipe().digest, "inputs": inputs})[:16]
        return f"tuning/{self.surface}/{self.recipe}/{self.night}/{name}"


class Planned(BaseModel):
    """One training to be tried."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int = Field(ge=0)
    values: Values

    @field_validator("values")
    @classmethod
    def _tuples(cls, values: Values) -> Values:
        return {name: plain(value) for name, value in values.items()}


class Trial(Planned):
    """One training that was tried. `value` is NDCG@10 on the validation weeks with its interval; `answers` names the object
    with the value of each answer; `seconds` is what it took."""

    state: Literal["done", "failed", "out of time"]
    value: float | None = Field(default=None, allow_inf_nan=False)
    low: float | None = None
    high: float | None = None
    answers: str = ""
    seconds: float = Field(default=0, ge=0, allow_inf_nan=False)
    reason: str = ""


def own(recipe: Recipe, space: Space) -> Values:
    """The recipe's own values of what is searched."""
    return {name: getattr(recipe, name) for name in space}


def inside(space: Space, recipe: Recipe, values: Mapping[str, Any]) -> bool:
    """Whether values of an earlier search lie in today's space."""
    if set(values) != set(space) or not all(space[name].holds(value) for name, value in values.items()):
        return False
    with_values(recipe, values)
    return True


def best(trials: list[Trial]) -> Trial | None:
    """The trial with the highest value, the earlier of equals; None when none ended well."""
    done = [trial for trial in trials if trial.state == "done" and trial.value is not None]
    return max(done, key=lambda trial: (trial.value, -trial.number), default=None)
