"""Synthetic shoppers who search: the data hold no queries, so a household asks for the types that it buys on its day.

At most a few types each, in the order in which they were bought; each is asked for in one way (include/features/queries.py),
which depends on the household and the type alone. So a replay that is repeated asks the same questions.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from include.evaluation.shoppers import Shopper
from include.features.queries import ask, asked_as
from include.features.text import query_of

LIMIT = 2
"""Types that a household asks for in a replay."""


class Clock(Protocol):
    """What is read of the replay clock."""

    def baskets_of(self, day: dt.date) -> dict[str, list[str]]: ...


class Catalogue:
    """Type and category of every product, by its id."""

    def __init__(self, ids: Sequence[str], types: Sequence[str], categories: Sequence[str]) -> None:
        words = {text: query_of(text or "") for text in set(types)}
        self.plain = dict(zip(ids, (words[text] for text in types), strict=True))
        self.category = dict(zip(ids, categories, strict=True))


def searchers(clock: Clock, days: Sequence[dt.date], catalogue: Catalogue, limit: int = LIMIT) -> list[Shopper]:
    """The questions of each household on its first day. Products without a type are not asked for."""
    seen: set[str] = set()
    found: list[Shopper] = []
    for day in days:
        for household, products in clock.baskets_of(day).items():
            if household not in seen:
                seen.add(household)
                found += _questions(household, day, products, catalogue, limit)
    return found


def _questions(household: str, day: dt.date, products: Sequence[str], catalogue: Catalogue, limit: int) -> list[Shopper]:
    asked: dict[str, Shopper] = {}
    for product in products:
        meant = catalogue.plain.get(product, "")
        if meant and len(asked) < limit and all(one.meant != meant for one in asked.values()):
            query = ask(asked_as(household, meant), meant, catalogue.category[product])
            asked.setdefault(query, Shopper(household, day, query, meant))
    return list(asked.values())


def types_of(content: Mapping[str, np.ndarray], ids: Sequence[str]) -> Catalogue:
    """The catalogue of a NightView's content."""
    texts = [[str(text or "") for text in content[name]] for name in ("type", "category")]
    return Catalogue(ids, *texts)
