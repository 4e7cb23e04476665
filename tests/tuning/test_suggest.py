"""What a search tries next: the same for the same trials, inside space and budget, and Bayesian in fewer trials than a grid."""

import datetime as dt
import itertools
import math
from typing import Any

import pytest

from include.recipes.space import Among, Between, Space
from include.tuning import rounds
from include.tuning.rounds import ROUNDS, next_round, rungs
from include.tuning.search import Planned, Search, Trial, Values, Way, best
from include.tuning.suggest import suggest

SPACE: Space = {
    "learning_rate": Between(low=1e-4, high=1e-1, points=5),
    "batch": Among(values=(32, 64, 128, 256)),
    "hidden": Among(values=((32, 16), (64, 32), (128, 64))),
}
CORNER: Values = {"learning_rate": 1e-4, "batch": 32, "hidden": (32, 16)}
GRID = [dict(zip(SPACE, row, strict=True)) for row in itertools.product(*(knob.grid() for knob in SPACE.values()))]


def hill(values: Values) -> float:
    """The test surface, best at rate 0.004, batch 128 and the middle layers."""
    rate = math.log10(values["learning_rate"] / 0.004) ** 2
    return -rate - 0.3 * abs(math.log2(values["batch"] / 128)) - 0.2 * abs(math.log2(values["hidden"][0] / 64))


def told(planned: Planned, **more: Any) -> Trial:
    fields = {"state": "done", "value": hill(planned.values), "seconds": 1.0} | more
    return Trial(**planned.model_dump(), **fields)


def asked(way: Way = Way.BAYES, trials: int = 30, minutes: float = 60) -> Search:
    return Search(surface="home", recipe="quick", night=dt.date(2017, 10, 22), way=way, trials=trials, minutes=minutes)


def walk(search: Search, last: Values | None = None, **more: Any) -> list[Trial]:
    """All rounds of a search over SPACE."""
    ended: list[Trial] = []
    for number in range(1, ROUNDS + 1):
        ended += [told(one, **more) for one in next_round(search, SPACE, ended, number, last)]
    return ended


@pytest.fixture(autouse=True)
def recipe_in_the_worst_corner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "own", lambda recipe, space: dict(CORNER))


def needed(trials: list[Trial]) -> int:
    """How many trials it took to reach the grid's best; more than there are when none did."""
    top = max(map(hill, GRID))
    return next((i for i, trial in enumerate(trials, 1) if trial.value is not None and trial.value >= top), len(trials) + 1)


def needed_by_seed(way: Way) -> list[int]:
    """For twelve seeds, from the same corner."""
    found = []
    for seed in range(12):
        ended: list[Trial] = []
        for number in range(ROUNDS):
            many = -(-(len(GRID) // 2 - len(ended)) // (ROUNDS - number))
            ended += [told(one) for one in suggest(way, SPACE, ended, [CORNER], many, 1000 * seed)]
        found.append(needed(ended))
    return sorted(found)


def test_bayesian_reaches_the_grids_best_in_at_most_half_the_trials() -> None:
    """At the median and for nine seeds in twelve; random draws, which the estimators begin with, for few."""
    bayes, drawn = needed_by_seed(Way.BAYES), needed_by_seed(Way.RANDOM)
    assert bayes[6] <= bayes[8] <= len(GRID) // 2
    assert drawn[6] > len(GRID) // 2


def test_a_grid_tries_every_combination_once() -> None:
    first, *others = (trial.values for trial in walk(asked(Way.GRID, trials=64)))
    assert first == CORNER and len(others) == len(GRID) - 1
    assert all(values in GRID for values in others) and len({str(values) for values in others}) == len(others)


@pytest.mark.parametrize("way", Way)
def test_the_same_search_tries_the_same(way: Way) -> None:
    assert walk(asked(way)) == walk(asked(way))


@pytest.mark.parametrize("way", [Way.BAYES, Way.RANDOM, Way.GRID])
def test_a_search_starts_from_the_recipe_and_last_nights_best_and_stays_in_its_space(way: Way) -> None:
    last = {"learning_rate": 2e-3, "batch": 128, "hidden": (64, 32)}
    found = walk(asked(way), last)
    assert [trial.values for trial in found[:2]] == [CORNER, last]
    assert [trial.number for trial in found] == list(range(30))
    assert all(SPACE[name].holds(value) for trial in found for name, value in trial.values.items())


def test_halving_trains_the_recipe_in_full_and_then_the_better_half_for_twice_as_long() -> None:
    search = asked(Way.HALVING)
    epochs = search.get_recipe().epochs
    found = walk(search)
    assert found[0].values["epochs"] == epochs and len(found) <= search.trials
    by_rung = [[trial for trial in found[1:] if trial.values["epochs"] == rung] for rung in rungs(epochs)]
    for below, above in itertools.pairwise(by_rung):
        assert len(above) == -(-len(below) // 2)
        worst = min(trial.value for trial in above if trial.value is not None)
        went = [trial.values | {"epochs": 0} for trial in above]
        assert all(trial.value <= worst for trial in below if trial.value and trial.values | {"epochs": 0} not in went)


def test_trials_that_the_budget_has_no_room_for_are_not_begun() -> None:
    found = walk(asked(minutes=1), seconds=10.0)
    assert 4 <= len(found) <= 6
    assert len(walk(asked(minutes=60), seconds=10.0)) == 30


def test_failed_trials_teach_without_a_value_and_are_not_tried_again() -> None:
    found = walk(asked(), state="failed", value=None)
    assert best(found) is None and len({str(trial.values) for trial in found}) == 30


def test_a_used_up_space_ends_the_search() -> None:
    space: Space = {"batch": Among(values=(32, 64))}
    ended = [Trial(number=i, values={"batch": batch}, state="done", value=0.1, seconds=1) for i, batch in enumerate((32, 64))]
    assert [suggest(way, space, ended, [], 5, 1) for way in (Way.BAYES, Way.RANDOM, Way.GRID)] == [[], [], []]
