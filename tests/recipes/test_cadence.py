import datetime as dt

import pytest

from include.recipes.cadence import due
from include.recipes.recipe import Recipe

NIGHT = dt.date(2017, 10, 22)


def recipe(cadence: int) -> Recipe:
    return Recipe(surface="home", name="quick", model="popularity", cadence=cadence)


@pytest.mark.parametrize("days, wanted", [(-1, False), (0, False), (6, False), (7, True), (30, True)])
def test_a_model_is_due_every_so_many_nights(days, wanted):
    assert due(recipe(7), NIGHT, NIGHT + dt.timedelta(days=days)) is wanted


def test_a_surface_that_was_never_trained_is_due_at_once():
    assert due(recipe(7), None, NIGHT)


def test_by_hand_is_never_due():
    assert not due(recipe(0), None, NIGHT) and not due(recipe(0), NIGHT, NIGHT + dt.timedelta(days=400))


def test_how_often_a_model_is_made_is_no_part_of_what_it_is():
    assert recipe(0).digest == recipe(30).digest


def test_nights_less_than_nothing_are_refused():
    with pytest.raises(ValueError):
        recipe(-1)
