"""`search` under the protocol: a household asks for a type of which it bought something in the week.

A question is a household-week and a type, at most as many types of each as the recipe's gates ask for, in each of the five ways
of include/features/queries.py. Relevant are the products of that type that the household bought in the week. Week w is asked on
its Sunday before: tables, histories and rivals know nothing later. An answer is ranked over the protocol's universe.
"""

import datetime as dt
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from benchmarks.models.ours import FIRST, WORK, known_for, last_week, night, trained
from benchmarks.models.protocol import Fold, Measured
from benchmarks.models.rival import Rival, common
from include import recipes
from include.evaluation.metrics import coverage
from include.evaluation.purchases import Purchases
from include.features.queries import VARIANTS
from include.recipes.recipe import Recipe

if TYPE_CHECKING:
    from include.evaluation.gate_queries import QueryWeek
    from include.models.model import Model
    from include.models.serving import Served
    from include.models.tables import ProductTable
    from include.training.assemble import History
    from include.training.examples import Examples
    from include.training.windows import Windows
    from include.training.workspace import Workspace

Answerer = Callable[["QueryWeek", str], np.ndarray]
"""(questions of a week, way of asking) -> products of the shop by index int [Q, K], best first; -1 for an empty place."""


class Questions(NamedTuple):
    """The weeks after a cut-off by number, and who bought what before, for rivals that count; week 0 is the last one."""

    weeks: dict[int, "QueryWeek"]
    purchases: Purchases
    households: list[str]


def recipe_of(name: str) -> Recipe:
    return recipes.get("search", name)


def questions_of(cut: Fold) -> Questions:
    """All weeks that are asked for after the fold's cut-off, over its universe."""
    return common(cut, "questions", lambda: _questions(cut))


def _questions(cut: Fold) -> Questions:
    from include.training.windows import Windows
    from include.training.workspace import Workspace

    recipe, weeks = recipe_of("quick"), range(cut.cut_off + 1, last_week(cut.cut_off) + 1)
    nights = Windows(night=night(weeks[-1] + 1), train=(), gate=tuple(night(week) for week in weeks))
    folder = WORK / f"search-{cut.cut_off}"
    shutil.rmtree(folder, ignore_errors=True)
    known, universe = known_for(cut.cut_off, recipe.columns), cut.panel.product_ids[cut.universe].astype(str)
    asked = asked_after(known, recipe, nights, FIRST, Workspace(folder), universe)
    return Questions(dict(zip(weeks, asked, strict=True)), *Workspace(folder).weeks())


def asked_after(
    known: "History", recipe: Recipe, cut: "Windows", first: dt.date, work: "Workspace", universe: np.ndarray
) -> list["QueryWeek"]:
    """The questions of the week after each gate night, about the products of a universe [V] of ids."""
    from include.evaluation.gate_queries import QueryWeek
    from include.evaluation.gate_weeks import GateWeek
    from include.training.assemble import assemble

    assemble(known, recipe, cut, first, work)
    given = [(day, *within(work.examples(day), work.products(day), universe)) for day in cut.gate]
    return [QueryWeek(GateWeek(day, cut.week(day), *night), recipe.gate_queries) for day, *night in given]


def within(examples: "Examples", table: "ProductTable", universe: np.ndarray) -> tuple["Examples", "ProductTable"]:
    """A night's labels and products, those outside of a universe left out."""
    from include.training.examples import ragged

    table = replace(table, universe=table.universe & np.isin(table.ids.astype(str), universe))
    bought = [examples.bought.row(i) for i in range(len(examples))]
    return replace(examples, bought=ragged([row[table.universe[row]] for row in bought])), table


def measure(answerer: Answerer, cut: Fold, weeks: Sequence[int], tasks: Sequence[str] = VARIANTS) -> dict[str, Measured]:
    """Ask every question of the weeks in each way."""
    asked = [questions_of(cut).weeks[week] for week in weeks]
    households = [name for week in asked for name in week.households]
    answers: dict[str, list[np.ndarray]] = {variant: [] for variant in tasks}
    for week in asked:
        for variant in tasks:
            answers[variant].append(answerer(week, variant))
    return {variant: _measured(households, asked, found, cut.products) for variant, found in answers.items()}


def _measured(households: list[str], asked: Sequence["QueryWeek"], answers: list[np.ndarray], products: int) -> Measured:
    parts = [week.values(found) for week, found in zip(asked, answers, strict=True)]
    return Measured(
        households, {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}, coverage(answers, products)
    )


def served(model: "Model") -> Answerer:
    """A model of the project, rebuilt on the products of each week's night."""
    from include.evaluation.gate_queries import ask_all
    from include.models.build import serve

    standing: dict[int, Served] = {}

    def answer(week: "QueryWeek", variant: str) -> np.ndarray:
        if week.week.week not in standing:
            standing.clear()
            standing[week.week.week] = serve(model, week.week.products)
        return ask_all(standing[week.week.week], week, variant)[0]

    return answer


def ours(cut: Fold) -> Answerer:
    return served(trained(recipe_of("quick"), cut.cut_off))


def text_match(cut: Fold) -> Answerer:
    """Version 0: nothing is learned."""
    from include.models.model import Model
    from include.models.search_side import untrained
    from include.models.vocabulary import Vocabulary

    recipe = recipe_of("popularity")
    spec = known_for(cut.cut_off, recipe.columns).spec
    return served(Model(recipe, Vocabulary(), untrained(recipe.text, recipe.seed), spec.widths, spec.digest))


def told(cut: Fold, name: str) -> Answerer:
    """A rival that is told the type that is meant, however it was asked for."""
    from include.evaluation.gate_queries import within_type

    asked = questions_of(cut)
    place = {household: i for i, household in enumerate(asked.households)}
    return lambda week, variant: within_type(week, asked.purchases, place)[name]


def _rival(name: str, family: str, about: str, make: Callable[[Fold], Answerer]) -> Rival:
    return Rival(f"search: {name}", family, about, make, tasks=VARIANTS, measure=measure)


RIVALS = (
    _rival("plain text match", "text", "version 0: the better match first, among equals what sold most", text_match),
    _rival("popularity within type", "popularity", "told the type; sales of the last week", partial(told, name="popularity")),
    _rival("habit within type", "habit", "told the type; recency of the household's own", partial(told, name="recency")),
    _rival("ours: quick", "ours", "text, base, taste and past, over all products", ours),
)
