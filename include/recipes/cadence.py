"""When a recipe asks to be trained, and when from nothing."""

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


def goes_on(recipe: Recipe, full: dt.date, night: dt.date, unknown: float) -> bool:
    """Whether a training of this night may go on from an earlier model instead of reading all weeks.

    Args:
        full: the night of the last full training before it.
        unknown: share of the night's products that the earlier model does not know.
    """
    return bool(recipe.warm_weeks) and 0 < (night - full).days < recipe.full_every and unknown <= recipe.stale
