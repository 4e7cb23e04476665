"""The best values of each night's search, kept so that a training can ask for them and the next search can start from them.

tuned/<surface>/<recipe>.json   {"nights": {night: {"recipe", "study", "values", ...}}}, swapped on a condition
"""

import datetime as dt
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from include import recipes
from include.errors import Refused
from include.recipes.recipe import Recipe
from include.recipes.space import plain, with_values
from include.store.document import pack, unpack
from include.store.objects import Store


class Chosen(BaseModel):
    """The best values of one search. `recipe` is the digest of the recipe as it was searched, `study` the key of its
    documents, `value` NDCG@10 on its validation weeks, `gain` what it is above the recipe's own values, with its interval."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    recipe: str
    study: str
    values: dict[str, Any]
    value: float
    gain: dict[str, float] | None = None

    @field_validator("values")
    @classmethod
    def _tuples(cls, values: dict[str, Any]) -> dict[str, Any]:
        return {name: plain(value) for name, value in values.items()}


def keep(store: Store, surface: str, recipe: str, night: dt.date, chosen: Chosen) -> None:
    """Write a night's values, in place of what an earlier search of the night found. Raises Conflict."""
    nights, etag = _load(store, surface, recipe)
    nights[str(night)] = chosen.model_dump(mode="json")
    store.write(_key(surface, recipe), pack({"nights": nights}), expect=etag)


def latest(store: Store, surface: str, recipe: str, until: dt.date) -> tuple[dt.date, Chosen] | None:
    """The values of the newest search of a night up to `until`, and its night; None when there was none."""
    nights, _ = _load(store, surface, recipe)
    known = [night for night in map(dt.date.fromisoformat, nights) if night <= until]
    if not known:
        return None
    night = max(known)
    try:
        return night, Chosen.model_validate(nights[str(night)])
    except ValidationError as error:
        raise _broken(surface, recipe) from error


def tuned(store: Store, recipe: Recipe, night: dt.date) -> tuple[Recipe, dict[str, Any]]:
    """A recipe with the values of the newest search up to a night, and what says so: {"night", "study", "values"}.

    Raises:
        Refused: nothing was searched by then, or the recipe has changed since.
    """
    todo = f"Run tune_{recipe.surface} for this night, or train without `tuned`"
    found = latest(store, recipe.surface, recipe.name, night)
    if found is None:
        raise Refused(f"No search of {recipe.surface}/{recipe.name} up to night {night} has chosen values", todo)
    when, chosen = found
    if chosen.recipe != recipe.digest:
        raise Refused(f"Recipe {recipe.name} has changed since it was searched on night {when}", todo)
    about = {"night": str(when), "study": chosen.study, "values": chosen.model_dump(mode="json")["values"]}
    return with_values(recipe, chosen.values), about


def _load(store: Store, surface: str, recipe: str) -> tuple[dict[str, Any], str]:
    recipes.get(surface, recipe)
    key = _key(surface, recipe)
    data, etag = store.load(key)
    nights = unpack(data, key, "a document of tuned values").get("nights") if data is not None else {}
    try:
        if not isinstance(nights, dict) or not all(dt.date.fromisoformat(night) for night in nights):
            raise ValueError
    except (TypeError, ValueError):
        raise _broken(surface, recipe) from None
    return nights, etag


def _key(surface: str, recipe: str) -> str:
    return f"tuned/{surface}/{recipe}.json"


def _broken(surface: str, recipe: str) -> Refused:
    return Refused(f"{_key(surface, recipe)} is not a document of tuned values", "Delete it, and search again")
