"""Which values to try next, told by what was tried: Optuna's samplers over a study that is made anew from the trials.

    grid      all combinations of the points of each range, in an order drawn once
    random    independent draws
    bayes     tree of Parzen estimators: Bergstra et al., Algorithms for hyper-parameter optimization, NIPS 2011, section 4;
              the trials of one round are held for bad while it lasts (constant liar), so that they do not all try the same
    halving   random draws trained for a few epochs, the best half of them for twice as many, and so on: Jamieson and
              Talwalkar, Non-stochastic best arm identification and hyperparameter optimization, AISTATS 2016, algorithm 1

A suggestion hangs from the search, the trials told and the seed alone: asked again it is the same. Nothing is pickled.
"""

import itertools
import random
import warnings
from collections.abc import Sequence

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.trial import TrialState

from include.recipes.space import Between, Space, Value
from include.tuning.search import Planned, Trial, Values, Way

START = 4
"""Trials before the estimators are trusted."""
ASKS = 50
"""How often a sampler is asked for values that were not tried yet."""
Labels = dict[str, dict[int, Value]]
"""Values by name and place, of what is one of some."""
_STATES = {"done": TrialState.COMPLETE, "failed": TrialState.FAIL, "out of time": TrialState.FAIL}

optuna.logging.set_verbosity(optuna.logging.WARNING)


def suggest(way: Way, space: Space, told: Sequence[Trial], known: Sequence[Values], many: int, seed: int) -> list[Planned]:
    """At most `many` values that differ from all that was tried, those of `known` first; fewer when the space is used up.

    Args:
        told: trials that ended.
        known: values worth a trial before anything is suggested: the recipe's own, the last night's best.
    """
    tried = [trial.values for trial in told]
    found: list[Values] = []
    for values in known:
        if values not in tried + found and len(found) < many:
            found.append(dict(values))
    make = _grid if way == Way.GRID else _sampled
    found += make(way, space, told, tried + found, many - len(found), seed)
    return [Planned(number=len(told) + i, values=values) for i, values in enumerate(found)]


def _grid(way: Way, space: Space, told: Sequence[Trial], tried: Sequence[Values], many: int, seed: int) -> list[Values]:
    every = [dict(zip(space, row, strict=True)) for row in itertools.product(*(knob.grid() for knob in space.values()))]
    random.Random(seed).shuffle(every)
    return [values for values in every if values not in tried][:many]


def _sampled(way: Way, space: Space, told: Sequence[Trial], tried: Sequence[Values], many: int, seed: int) -> list[Values]:
    labels: Labels = {name: dict(enumerate(knob.grid())) for name, knob in space.items() if not isinstance(knob, Between)}
    shapes = {name: _shape(space, name, labels) for name in space}
    study = _study(way, seed + len(told))
    for trial in told:
        params = {name: _place(labels, name, value) for name, value in trial.values.items() if name in shapes}
        state = _STATES[trial.state]
        value = trial.value if state is TrialState.COMPLETE else None
        study.add_trial(optuna.trial.create_trial(state=state, value=value, params=params, distributions=shapes))
    found: list[Values] = []
    for _ in range(ASKS * max(many, 0)):
        if len(found) == many:
            break
        drawn = study.ask(shapes).params
        values = {name: labels[name][drawn[name]] if name in labels else drawn[name] for name in space}
        if values not in tried and values not in found:
            found.append(values)
    return found


def _study(way: Way, seed: int) -> optuna.Study:
    if way != Way.BAYES:
        return optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=seed))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=START, multivariate=True, constant_liar=True)
    return optuna.create_study(direction="maximize", sampler=sampler)


def _shape(space: Space, name: str, labels: Labels) -> BaseDistribution:
    knob = space[name]
    if isinstance(knob, Between):
        return FloatDistribution(knob.low, knob.high, log=knob.log)
    return CategoricalDistribution(tuple(labels[name]))


def _place(labels: Labels, name: str, value: object) -> object:
    """A value as the sampler knows it: by its place where it is one of some."""
    if name not in labels:
        return value
    return next(place for place, one in labels[name].items() if one == value)
