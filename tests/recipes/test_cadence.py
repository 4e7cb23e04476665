import datetime as dt

import pytest

from include.recipes.cadence import due, goes_on
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


@pytest.mark.parametrize("days, unknown, wanted", [
    (1, 0.0, True), (27, 0.1, True), (28, 0.0, False), (0, 0.0, False), (-1, 0.0, False), (1, 0.11, False),
])  # fmt: skip
def test_a_training_goes_on_from_a_young_model_that_knows_the_products(days, unknown, wanted):
    warm = recipe(1).model_copy(update={"warm_weeks": 2})
    assert goes_on(warm, NIGHT, NIGHT + dt.timedelta(days=days), unknown) is wanted
    assert not goes_on(recipe(1), NIGHT, NIGHT + dt.timedelta(days=days), unknown)
