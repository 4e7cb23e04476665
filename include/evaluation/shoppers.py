"""Who is asked for in a replay, and the inputs of their questions."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

CHUNK = 64


class View(Protocol):
    """What is read of a night's features."""

    def household_inputs(self, households: Sequence[str], slots: int) -> dict[str, np.ndarray]: ...


class Clock(Protocol):
    """What is read of the replay clock."""

    def households_of(self, day: dt.date) -> list[str]: ...


@dataclass(frozen=True)
class Shopper:
    """A household on the first day of the replay that brings it to the shop.

    Where there is something to type: the query, and the words of the type that is meant.
    """

    household: str
    day: dt.date
    query: str = ""
    meant: str = ""


def shoppers(clock: Clock, days: Sequence[dt.date]) -> list[Shopper]:
    """Each household once, by day and then in the order of the day's first purchases."""
    seen: dict[str, Shopper] = {}
    for day in days:
        for household in clock.households_of(day):
            seen.setdefault(household, Shopper(household, day))
    return list(seen.values())


def questions(
    view: View, asked: Sequence[Shopper], slots: int, query: bool = False
) -> Iterator[tuple[Shopper, dict[str, np.ndarray]]]:
    """Each shopper with the inputs of a batch of one, with no more history slots than are filled.

    Inputs are those of `serving_default`, with `query` for a surface that takes one; nobody here asks to leave out what was
    bought before.

    Raises:
        ValueError: somebody would search for nothing.
    """
    if query and not all(shopper.query for shopper in asked):
        raise ValueError("A surface with queries is asked by shoppers without one")
    for start in range(0, len(asked), CHUNK):
        chunk = asked[start : start + CHUNK]
        inputs = view.household_inputs([shopper.household for shopper in chunk], slots)
        for i, shopper in enumerate(chunk):
            yield shopper, _one(inputs, i) | ({"query": np.array([shopper.query], object)} if query else {})


def _one(inputs: dict[str, np.ndarray], i: int) -> dict[str, np.ndarray]:
    filled = max(1, int((inputs["history_product"][i] >= 0).sum()))
    return {
        "history_product": np.ascontiguousarray(inputs["history_product"][i : i + 1, :filled]),
        "history_features": np.ascontiguousarray(inputs["history_features"][i : i + 1, :filled]),
        "household_features": inputs["household_features"][i : i + 1],
        "exclude_bought": np.zeros(1, np.bool_),
    }
