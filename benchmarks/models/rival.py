"""A rival: how it is fitted, which settings it may choose from, and what an independent script reached with it."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.models.protocol import CUT_OFF, STRESS, TASKS, TEST, VALID, Fold, Measured, Scorer, fold, measure

Setting = Mapping[str, Any]


@dataclass(frozen=True)
class Rival:
    """One row of the table.

    make: (fold, **setting) -> scorer, fitted on weeks up to the fold's cut-off. grid: settings that weeks 45 to 47 choose
    from, for each task by itself. script: NDCG@10 by task of an independent implementation; noise: how far its figure and ours
    may lie apart, as a share.
    """

    name: str
    family: str
    about: str
    make: Callable[..., Scorer]
    grid: tuple[Setting, ...] = ({},)
    script: Mapping[str, float] = field(default_factory=dict)
    noise: float = 0.01
    tasks: tuple[str, ...] = TASKS
    plan: bool = False
    tuned: bool = False
    """Whether `make` itself learns something from the validation weeks."""
    limit_ms: Mapping[str, float] = field(default_factory=dict)
    """CPU of one household in a batch, by step of an answer, that it may not be above."""
    measure: Callable[..., dict[str, Measured]] = measure
    """(what `make` makes, fold, weeks, tasks) -> by task what was measured."""


@dataclass
class Row:
    """What became of a rival: by task the setting, the validation figure, the measured test and stress weeks; CPU seconds."""

    rival: Rival
    setting: dict[str, Setting] = field(default_factory=dict)
    valid: dict[str, float] = field(default_factory=dict)
    test: dict[str, Measured] = field(default_factory=dict)
    stress: dict[str, Measured] = field(default_factory=dict)
    fit_seconds: float = 0.0
    ask_ms: float = 0.0
    steps_ms: dict[str, float] = field(default_factory=dict)
    """CPU of one household in a batch by step of an answer, where the scorer tells."""


def choose(rival: Rival, row: Row) -> None:
    """The best setting of each task on the validation weeks; where there is one setting, nothing is to be chosen."""
    if len(rival.grid) == 1 and not rival.tuned:
        row.setting = dict.fromkeys(rival.tasks, rival.grid[0])
        return
    cut = fold(CUT_OFF[VALID])
    for setting in rival.grid:
        found = rival.measure(rival.make(cut, **setting), cut, VALID, rival.tasks)
        for task, one in found.items():
            print(f"#   {rival.name} {dict(setting)} {task} {one.mean():.4f}", flush=True)
            if one.mean() > row.valid.get(task, -1.0):
                row.valid[task], row.setting[task] = one.mean(), setting


def test(rival: Rival, row: Row) -> None:
    """Fit again up to the cut-off of the test weeks with the chosen settings, and measure test and stress weeks."""
    cut = fold(CUT_OFF[TEST])
    for setting in {str(chosen): chosen for chosen in row.setting.values()}.values():
        tasks = [task for task in rival.tasks if row.setting[task] == setting]
        row.fit_seconds, scorer = _timed(lambda setting=setting: rival.make(cut, **setting))
        seconds, found = _timed(lambda scorer=scorer, tasks=tasks: rival.measure(scorer, cut, TEST, tasks))
        row.test |= found
        row.ask_ms = 1000 * seconds / len(next(iter(found.values())).households)
        row.steps_ms = scorer.cost() if hasattr(scorer, "cost") else {}
        row.stress |= rival.measure(scorer, cut, STRESS, tasks)


def _timed(call: Callable[[], Any]) -> tuple[float, Any]:
    started = time.process_time()
    value = call()
    return time.process_time() - started, value


def common(cut: Fold, name: object, make: Callable[[], Any]) -> Any:
    """What several settings or rivals need is made once a fold."""
    if name not in cut.kept:
        cut.kept[name] = make()
    return cut.kept[name]
