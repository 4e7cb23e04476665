"""A recipe's search space is checked where it is declared, and values from outside never reach a recipe unchecked."""

import datetime as dt
import math
from typing import Any

import pytest
from pydantic import ValidationError

from include import recipes
from include.errors import Refused
from include.recipes.space import Among, Between, Space, check, with_values
from include.tuning.search import Search

QUICK = recipes.get("home", "quick")


def test_every_declared_space_belongs_to_a_trainable_recipe_and_holds_its_own_values() -> None:
    assert set(recipes.searchable("home")) >= {"quick", "two_stage"}
    for name in recipes.searchable("home"):
        recipe, space = recipes.get("home", name), recipes.space("home", name)
        assert recipe.model != "popularity"
        assert all(knob.holds(getattr(recipe, field)) for field, knob in space.items())


@pytest.mark.parametrize(
    ("space", "words"),
    [
        ({}, "is empty"),
        ({"surface": Among(values=(1,))}, "cannot be searched"),
        ({"seed": Among(values=(1, 2))}, "cannot be searched"),
        ({"history_slots": Among(values=(384,))}, "cannot be searched"),
        ({"epochs": Among(values=(0, 4))}, "epochs"),
        ({"epochs": Among(values=(1, 2))}, "own epochs"),
        ({"learning_rate": Between(low=-1, high=1, log=False)}, "learning_rate"),
        ({"hidden": Among(values=((64, 32), (64,)))}, "hidden"),
        ({"hidden": Among(values=((64, 32), (64, 0)))}, "hidden"),
    ],
)
def test_a_space_that_the_recipe_does_not_take_is_refused(space: Space, words: str) -> None:
    with pytest.raises((ValueError, Refused), match=words):
        check(space, QUICK)


@pytest.mark.parametrize("ends", [(1, 1), (2, 1), (0, 1), (-1, 1), (math.nan, 1), (1, math.inf)])
def test_a_range_without_an_inside_is_refused(ends: tuple[float, float]) -> None:
    with pytest.raises(ValidationError):
        Between(low=ends[0], high=ends[1])


@pytest.mark.parametrize(
    "values",
    [
        {"name": "other"},
        {"model": "popularity"},
        {"__class__": 1},
        {"learning_rate": "1e-3; rm"},
        {"learning_rate": -1},
        {"learning_rate": None},
        {"epochs": 0},
        {"epochs": 2.5},
        {"hidden": "64"},
        {"hidden": (64,)},
        {"hidden": (64, -32)},
        {"hidden": (64, "x")},
        {"hidden": ("64", "x")},
    ],
)
def test_hostile_values_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="does not take"):
        with_values(QUICK, values)


def test_values_change_what_they_name_and_nothing_else() -> None:
    found = with_values(QUICK, {"epochs": 6, "hidden": [128, 64]})
    assert (found.epochs, found.hidden) == (6, (128, 64))
    assert found.model_copy(update={"epochs": QUICK.epochs, "hidden": QUICK.hidden}) == QUICK


def test_a_recipe_without_a_space_and_a_search_out_of_bounds_are_refused() -> None:
    with pytest.raises(Refused, match="no search space"):
        recipes.space("home", "popularity")
    night = dt.date(2017, 10, 22)
    for wrong in ({"trials": 1}, {"trials": 65}, {"minutes": 0}, {"minutes": math.nan}, {"way": "magic"}, {"more": 1}):
        with pytest.raises(ValidationError):
            Search.model_validate({"surface": "home", "recipe": "quick", "night": night} | wrong)


def test_a_search_ends_where_the_gate_weeks_begin() -> None:
    search = Search(surface="home", recipe="quick", night=dt.date(2017, 10, 22))
    assert search.judged_from == dt.date(2017, 10, 22) - dt.timedelta(days=7 * QUICK.gate_weeks)
