"""How a surface is measured on the gate weeks: by its shelves, or by its answers to queries."""

from typing import Any

import numpy as np

from include.evaluation import gate_queries, gate_weeks
from include.evaluation.gate_weeks import GateWeek, Measured
from include.evaluation.purchases import Purchases
from include.evaluation.slices import Answered
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


def answered(recipe: Recipe, weeks: list[GateWeek]) -> Answered:
    """Of whom and when each answer is."""
    parts = []
    for week in weeks:
        owner = np.arange(len(week.examples))
        if recipe.query:
            owner = np.array([one.household for one in gate_queries.QueryWeek(week, recipe.gate_queries).asked], np.int64)
        names = [week.examples.household[at] for at in owner]
        parts.append(Answered(names, [str(week.night)] * len(owner), week.examples.history_product.lengths[owner]))
    return Answered.join(parts)


def unknown_share(model: Model, weeks: list[GateWeek]) -> float:
    """The share of what was bought of products that the model has no row for; 0 of a model that keeps no rows by product."""
    known = np.array(model.vocabulary.products, str)
    bought = np.concatenate([np.zeros(0, object), *(week.products.ids[week.examples.bought.values] for week in weeks)])
    return float(1 - np.isin(bought.astype(str), known).mean()) if len(bought) and len(known) else 0.0


def more_figures(model: Model, weeks: list[GateWeek], weekly: tuple[Purchases, list[str]]) -> dict[str, Any]:
    """What a surface tells besides: with queries, every way to ask for one type of each household-week."""
    if not model.recipe.query:
        return {}
    return {"variants": gate_queries.by_variant(model, gate_queries.query_weeks(weeks, 1), *weekly, log.info)}
