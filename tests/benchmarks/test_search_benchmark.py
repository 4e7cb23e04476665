"""What bench_models asks of `search`, what it shows to trees, what it writes about it, and what an answer costs."""

import datetime as dt
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from benchmarks.bench_models import described
from benchmarks.models import ours, search, search_trees
from benchmarks.models.kept import keep, load
from benchmarks.models.page import page
from benchmarks.models.parts import WHOLE
from benchmarks.models.protocol import Fold, Measured
from benchmarks.models.rival import Rival, Row
from include.evaluation import metrics
from include.evaluation.gate_queries import QueryWeek
from include.features.queries import VARIANTS
from include.models.model import Model
from include.models.vocabulary import Vocabulary
from include.training.fit_search import Asking, SearchNight
from include.training.windows import Windows
from include.training.workspace import Workspace
from tests import toy_search
from tests.toy_search import RECIPE
from tests.toy_shop import FIRST, NIGHT

WEEK = dt.timedelta(days=7)
ASKED = NIGHT - 2 * WEEK
"""The night on which the questions are asked that are looked at."""


class CutShort(toy_search.WordHistory):
    """The same shop, and nothing in it after a day."""

    def __init__(self, last: dt.date) -> None:
        super().__init__()
        self.events = self.events[self.events[:, 2] <= (last - FIRST).days]


def asked(history: toy_search.WordHistory, folder: Path, universe: np.ndarray) -> list[QueryWeek]:
    cut = Windows(night=NIGHT, train=(), gate=(ASKED, ASKED + WEEK))
    return search.asked_after(history, RECIPE, cut, FIRST, Workspace(folder), universe)


def ids(count: int = 60) -> np.ndarray:
    return np.array([f"p{i}" for i in range(count)])


def test_a_question_is_about_purchases_of_its_week_and_universe(tmp_path: Path) -> None:
    history = toy_search.WordHistory()
    for week in asked(history, tmp_path, ids(40)):
        bought = history.bought(week.week.night + dt.timedelta(days=1), week.week.night + WEEK)
        assert len(week.asked) > 50 and week.week.products.universe[:40].any() and not week.week.products.universe[40:].any()
        for name, one in zip(week.households, week.asked, strict=True):
            assert set(one.bought) <= bought[name] and max(one.bought) < 40


def test_what_comes_after_the_week_changes_no_question(tmp_path: Path) -> None:
    whole = asked(toy_search.WordHistory(), tmp_path / "whole", ids())[0]
    short = asked(CutShort(ASKED + WEEK), tmp_path / "short", ids())[0]
    assert whole.asked == short.asked and whole.households == short.households
    assert (whole.week.products.features == short.week.products.features).all()


def test_what_is_bought_in_the_week_changes_no_answer(tmp_path: Path) -> None:
    known = asked(CutShort(ASKED), tmp_path, ids())[0].week
    work, cut = toy_search.workspace()
    table = work.products(cut.gate[0])
    assert cut.gate[0] == ASKED and (known.products.features == table.features).all()
    assert (known.products.recent == table.recent).all() and (known.products.trend == table.trend).all()


def test_trees_read_each_candidate_with_its_past_and_text() -> None:
    work, cut = toy_search.workspace()
    model, table, examples = toy_search.text_ranker(), work.products(cut.train[0]), work.examples(cut.train[0])
    night = SearchNight(table, model.tables(table), model.arrays)  # type: ignore[arg-type]
    asking, reading = Asking(examples, night, 3), search_trees.Reading(model, table)
    batch = asking.batch(asking.usable[:5], "seed")
    question, rows, values = reading.pairs(batch)
    known = set(range(1, int(table.universe.sum()) + 1))
    for i, owner in enumerate(batch["owner"]):
        mine, seen = question == i, reading.row_of[batch["history_product"][owner]]
        assert set(rows[mine]) == known and mine.sum() == len(known)
        assert (np.isin(rows[mine], seen) == ~np.isnan(values[mine, 0])).all()
        slot = int(np.flatnonzero(seen)[0])
        pair, past = values[mine & (rows == seen[slot])][0], batch["history_features"][owner, slot]
        assert pair[: len(past)] == pytest.approx(past)
        assert values[mine, -1].max() == 0
    right = search_trees.bought_rows(batch)
    asked, _, bought = search_trees.labelled(reading, batch, right)
    assert bought.sum() == len(batch["right"]) and set(asked[bought > 0]) == set(range(len(right)))


def row(name: str, family: str, values: np.ndarray, tasks: tuple[str, ...] = VARIANTS) -> Row:
    """A model that reaches the same in every task."""
    names = [f"h{i // 3}" for i in range(len(values))]
    found = Measured(names, dict.fromkeys((*metrics.NAMES, metrics.TYPE_AT_1), values), 0.5)
    rival = Rival(name, family, "toy", lambda cut: None, tasks=tasks)
    weeks = dict.fromkeys(tasks, found)
    return Row(rival, {name: {} for name in tasks}, test=weeks, stress=weeks)


def test_the_page_has_a_section_with_paired_leads(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    low = rng.random(300) / 2
    rows = [row("search: habit within type", "habit", low), row("search: ours: quick", "ours", low + 0.125)]
    for one in rows:
        keep(one, tmp_path)
    kept = [load(one.rival, tmp_path) for one in rows]
    whole = [one for one in kept if one is not None]
    told = page([described(one, task, whole, 40) for one in whole for task in VARIANTS])
    assert "## `search`" in told and "300 questions in each way of asking, 40 products" in told
    lead = "+0.1250 [+0.1250, +0.1250]"  # no spread is left: the pairs differ by the same
    assert f"| habit within type | {' | '.join([lead] * len(VARIANTS))} |" in told
    assert told.count("| ours: quick |") == 2


def test_the_page_shows_what_ours_leads_by_where_a_rival_is_ahead() -> None:
    low = np.random.default_rng(0).random(300) / 2
    rows = [row("trees", "trees", low + 0.125, ("all",)), row("ours: some", "ours", low, ("all",))]
    told = page([described(one, "all", rows, 40) for one in rows])
    assert "Paired leads of ours: some:" in told and "| trees | -0.1250 | [-0.1250, -0.1250] |" in told


def test_the_page_says_what_an_answer_costs_where_a_scorer_told(tmp_path: Path) -> None:
    values = np.random.default_rng(0).random(300)
    rows = [row("trees", "trees", values, ("all",)), row("ours: some", "ours", values, ("all",))]
    rows[1].steps_ms = {"features": 0.25, "graph": 1.5}
    for one in rows:
        keep(one, tmp_path)
    kept = [one for one in (load(one.rival, tmp_path) for one in rows) if one is not None]
    told = page([described(one, "all", kept, 40) for one in kept])
    costs = told[told.index("## What an answer costs") :]
    assert "| ours: some | 0.25 | 1.50 | 1.75 |" in costs and "trees" not in costs


def test_the_page_has_no_section_without_questions_or_costs() -> None:
    assert "`search`:" not in page([]) and "What an answer costs" not in page([])


def test_the_cost_of_an_answer_is_that_of_the_best_round_and_of_one_household(monkeypatch: pytest.MonkeyPatch) -> None:
    rounds = iter([(3.0, 2.0), (1.0, 4.0), *[(5.0, 5.0)] * (ours.ROUNDS - 2)])
    served = []
    monkeypatch.setattr(ours, "Asked", lambda model, *at: served.append(model.recipe.top_k))
    monkeypatch.setattr(ours, "queries", lambda cut, week: np.arange(4))
    monkeypatch.setattr(ours, "_round", lambda one, names: next(rounds))
    recipe = ours.recipe_of("two_stage")
    cut = SimpleNamespace(cut_off=47, panel=SimpleNamespace(household_ids=np.arange(9)))
    scorer = ours.Ours(Model(recipe, Vocabulary(), {}, {}, "toy"), cast(Fold, cut), WHOLE)
    assert scorer.cost() == {"features": 250.0, "graph": 500.0}
    assert served[0] == 20 < recipe.top_k


def test_an_answer_that_takes_more_than_it_may_is_not_ok() -> None:
    one = row("ours: some", "ours", np.ones(3), ("all",))
    one.rival = replace(one.rival, limit_ms={"graph": 1.0})
    for spent, fine in ((1.0, True), (1.1, False)):
        one.steps_ms = {"features": 0.25, "graph": spent}
        assert described(one, "all", [one], 40)["ok"] is fine
