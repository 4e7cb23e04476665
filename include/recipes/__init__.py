"""All recipes, by surface and name. A second surface is one more module in this list.

A module that cannot be used is left out, and says why: one bad surface cannot stop another.
"""

import importlib
import logging
from types import ModuleType

from include.errors import Refused
from include.recipes.columns import Columns
from include.recipes.recipe import Recipe
from include.recipes.space import Space, check

MODULES = ("home", "search")
FIRST = "popularity"
"""The recipe of version 0, which needs no training; every surface has it and at least one that is trained."""

log = logging.getLogger("nightfill")


def _load(surface: str) -> list[Recipe]:
    """The recipes of one module. Raises whatever is wrong with it."""
    module: ModuleType = importlib.import_module(f"include.recipes.{surface}")
    found: list[Recipe] = list(module.RECIPES)
    names = [recipe.name for recipe in found]
    if FIRST not in names or len(set(names)) < 2 or len(set(names)) < len(names):
        raise ValueError(f"a surface has one recipe '{FIRST}' and others of different names, not {names}")
    if {recipe.surface for recipe in found} != {surface}:
        raise ValueError(f"recipes of other surfaces stand in the module of {surface}")
    if len({recipe.query for recipe in found}) > 1:
        raise ValueError("either all recipes of a surface are asked with a query, or none")
    if len({recipe.columns.model_copy(update={"product": ()}) for recipe in found}) > 1:
        raise ValueError("all recipes of a surface are asked with the same columns, since a caller asks every arm alike")
    for name, space in getattr(module, "SPACES", {}).items():
        check(space, next(recipe for recipe in found if recipe.name == name))
    return found


def _load_all(modules: tuple[str, ...]) -> tuple[dict[tuple[str, str], Recipe], dict[str, str]]:
    """Recipes by (surface, name), and what is wrong by the name of each module that is left out."""
    found: dict[tuple[str, str], Recipe] = {}
    broken: dict[str, str] = {}
    for surface in modules:
        try:
            found |= {(surface, recipe.name): recipe for recipe in _load(surface)}
        except Exception as error:  # whatever it is, the other surfaces go on
            broken[surface] = f"{type(error).__name__}: {error}"
            log.error("Surface %s is left out: %s", surface, broken[surface])
    return found, broken


_ALL, BROKEN = _load_all(MODULES)


def surfaces() -> list[str]:
    """Names of all surfaces, in order."""
    return sorted({surface for surface, _ in _ALL})


def require(surface: str) -> None:
    """See that a surface can be used.

    Raises:
        Refused: there is no such surface, or its module is broken.
    """
    if surface in BROKEN:
        raise Refused(f"The recipes of {surface} cannot be used: {BROKEN[surface]}", f"Correct include/recipes/{surface}.py")
    if surface not in surfaces():
        raise Refused(f"There is no surface '{surface[:60]}'", f"Choose one of {', '.join(surfaces())}")


def names(surface: str) -> list[str]:
    """Names of a surface's recipes, in the order of its module."""
    return [name for owner, name in _ALL if owner == surface]


def searchable(surface: str) -> list[str]:
    """Names of a surface's recipes that have a search space."""
    module = importlib.import_module(f"include.recipes.{surface}")
    return [name for name in names(surface) if name in getattr(module, "SPACES", {})]


def space(surface: str, name: str) -> Space:
    """What a search may try of one recipe.

    Raises:
        Refused: as `get`, or nothing of it is searched.
    """
    recipe = get(surface, name)
    if name not in searchable(surface):
        raise Refused(f"Recipe {recipe.name} of {surface} has no search space", f"Declare one in include/recipes/{surface}.py")
    found: Space = importlib.import_module(f"include.recipes.{surface}").SPACES[name]
    return found


def asks_query(surface: str) -> bool:
    """Whether a surface is asked with a query."""
    return any(recipe.query for (owner, _), recipe in _ALL.items() if owner == surface)


def columns(surface: str) -> Columns:
    """The features that all models of a surface read.

    Raises:
        Refused: as `get`.
    """
    return get(surface, FIRST).columns


def get(surface: str, name: str) -> Recipe:
    """One recipe.

    Raises:
        Refused: no such surface or recipe, or the surface's module is broken.
    """
    require(surface)
    if (surface, name) not in _ALL:
        raise Refused(f"Surface {surface} has no recipe '{name}'", f"Choose one of {', '.join(names(surface))}")
    return _ALL[surface, name]
