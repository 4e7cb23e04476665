"""When a recipe asks to be trained."""

import datetime as dt

from include.recipes.recipe import Recipe


def due(recipe: Recipe, trained: dt.date | None, night: dt.date) -> bool:
    """Whether a model is trained on this night.

    Every `cadence` nights, counted from the night of the last training; at once when there was none. With cadence 0 only
    by hand. A night before the last training is never due: an old night replaces nothing.
    """
    if not recipe.cadence:
        return False
    return trained is None or (night - trained).days >= recipe.cadence
