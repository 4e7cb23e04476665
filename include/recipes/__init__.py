"""All recipes, by surface and name. A second surface is one more module in this list."""

from include.errors import Refused
from include.recipes import home
from include.recipes.recipe import Recipe

_ALL = {(recipe.surface, recipe.name): recipe for module in (home,) for recipe in module.RECIPES}


def surfaces() -> list[str]:
    """Names of all surfaces, in order."""
    return sorted({surface for surface, _ in _ALL})


def names(surface: str) -> list[str]:
    """Names of a surface's recipes, in the order of its module."""
    return [name for owner, name in _ALL if owner == surface]


def get(surface: str, name: str) -> Recipe:
    """One recipe.

    Raises:
        Refused: no such surface or recipe.
    """
    if surface not in surfaces():
        raise Refused(f"There is no surface '{surface}'", f"Choose one of {', '.join(surfaces())}")
    if (surface, name) not in _ALL:
        raise Refused(f"Surface {surface} has no recipe '{name}'", f"Choose one of {', '.join(names(surface))}")
    return _ALL[surface, name]
