"""How a search goes on: how many trials each of its rounds has, and with which values."""

import statistics
from collections.abc import Sequence

from include.recipes.space import Space
from include.tuning.search import Planned, Search, Trial, Values, own
from include.tuning.suggest import suggest

ROUNDS = 8
"""Rounds of a search: those of the DAG."""


def next_round(search: Search, space: Space, told: Sequence[Trial], number: int, last: Values | None) -> list[Planned]:
    """The trials of round `number`, from 1 on; none when the budget is spent or nothing is left to try.

    Args:
        told: all trials of the rounds before, in order.
        last: the best values of the last search before this night, when they lie in the space.
    """
    recipe = search.get_recipe()
    known = [own(recipe, space), *([last] if last is not None else [])] if number == 1 else []
    if search.way == "halving":
        planned = _halved(search, space, told, number, known)
    else:
        many = max(len(known), -(-(search.trials - len(told)) // (ROUNDS - number + 1)))
        planned = suggest(search.way, space, told, known, many, recipe.seed)
    return planned[: affordable(search, told)]


def affordable(search: Search, told: Sequence[Trial]) -> int:
    """How many more trials of the usual length the budget has room for; any number while no length is known."""
    usual = statistics.median(trial.seconds for trial in told) if told else 0.0
    return int(left(search, told) // usual) if usual > 0 else search.trials


def left(search: Search, told: Sequence[Trial]) -> float:
    """Seconds of the budget that no trial has used."""
    return max(0.0, 60 * search.minutes - sum(trial.seconds for trial in told))


def rungs(epochs: int) -> list[int]:
    """Epochs of the rounds of successive halving: the recipe's in the last, half as many in each before."""
    found = [epochs]
    while found[0] > 1 and len(found) < ROUNDS:
        found.insert(0, found[0] // 2)
    return found


def _halved(search: Search, space: Space, told: Sequence[Trial], number: int, known: list[Values]) -> list[Planned]:
    """Round 1: the recipe as it is, trained in full, and draws at the lowest rung. Then the better half, one rung up."""
    recipe = search.get_recipe()
    steps = rungs(recipe.epochs)
    if number > len(steps):
        return []
    if number > 1:
        done = [trial for trial in told if trial.number and trial.state == "done"]
        below = [trial for trial in done if trial.values["epochs"] == steps[number - 2]]
        kept = sorted(below, key=lambda trial: (-(trial.value or 0.0), trial.number))[: -(-len(below) // 2)]
        planned = [dict(trial.values) | {"epochs": steps[number - 1]} for trial in kept]
        return [Planned(number=len(told) + i, values=values) for i, values in enumerate(planned)]
    first = [Planned(number=0, values=known[0] | {"epochs": recipe.epochs})]
    rest = {name: knob for name, knob in space.items() if name != "epochs"}
    wanted = max(2, int((search.trials - 1) / sum(0.5**i for i in range(len(steps)))))
    others = [{name: value for name, value in values.items() if name != "epochs"} for values in known[1:]]
    drawn = suggest(search.way, rest, [], others, wanted, recipe.seed)
    return first + [Planned(number=1 + one.number, values=one.values | {"epochs": steps[0]}) for one in drawn]
