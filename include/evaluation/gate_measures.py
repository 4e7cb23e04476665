"""How a surface is measured on the gate weeks: by its shelves, or by its answers to queries."""

from typing import Any

from include.evaluation import gate_queries, gate_weeks
from include.evaluation.gate_weeks import GateWeek, Measured
from include.evaluation.purchases import Purchases
from include.jobs.frame import log
from include.models.model import Model
from include.recipes.recipe import Recipe


def measure_model(model: Model, weeks: list[GateWeek]) -> Measured:
    """A model on the gate weeks; of a surface with queries, on plain ones."""
    if model.recipe.query:
        return gate_queries.measure_model(model, gate_queries.query_weeks(weeks, model.recipe.gate_queries))["plain"]
    return gate_weeks.measure_model(model, weeks)


def measure_rivals(recipe: Recipe, weeks: list[GateWeek], purchases: Purchases, names: list[str]) -> dict[str, Measured]:
    if recipe.query:
        return gate_queries.measure_rivals(gate_queries.query_weeks(weeks, recipe.gate_queries), purchases, names)
    return gate_weeks.measure_baselines(weeks, purchases, names)


def households(recipe: Recipe, weeks: list[GateWeek]) -> list[str]:
    """Who was asked, answer by answer."""
    if recipe.query:
        return [name for week in gate_queries.query_weeks(weeks, recipe.gate_queries) for name in week.households]
    return gate_weeks.households(weeks)


def more_figures(model: Model, weeks: list[GateWeek], weekly: tuple[Purchases, list[str]]) -> dict[str, Any]:
    """What a surface tells besides: with queries, every way to ask for one type of each household-week."""
    if not model.recipe.query:
        return {}
    return {"variants": gate_queries.by_variant(model, gate_queries.query_weeks(weeks, 1), *weekly, log.info)}
