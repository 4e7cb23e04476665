"""From a model and a night's products to what answers: the one list of builders that recipes name."""

from dataclasses import replace
from typing import cast

import numpy as np

from include.errors import Refused
from include.models import formulas
from include.models.factor_tables import FactorTables
from include.models.model import Model
from include.models.product_side import product_side
from include.models.query_tables import QueryTables
from include.models.search_side import search_side, text_side
from include.models.served_search import ServedTextMatch, ServedTextRanker
from include.models.served_two_stage import ServedTwoStage
from include.models.serving import Served, ServedPairRanker, ServedPopularity
from include.models.tables import ProductTable

KINDS = ("popularity", "pair_ranker", *formulas.SMALL, "two_stage", "text_match", "text_ranker")


def serve(model: Model, products: ProductTable) -> Served:
    """A model that answers with the product side of one night.

    Raises:
        Refused: the recipe names a model that nobody builds, or its formula reads a weight that the model lacks.
    """
    return _built(replace(model, arrays=_Weights(model)), products)


class _Weights(dict[str, np.ndarray]):
    """A model's weights; one that it lacks is a reason to train it again, not a defect."""

    def __init__(self, model: Model) -> None:
        super().__init__(model.arrays)
        self._recipe = model.recipe

    def __missing__(self, name: str) -> np.ndarray:
        said = f"The {self._recipe.model} of {self._recipe.surface} has no weight '{name}': an earlier version trained it"
        raise Refused(said, f"Train it again: run train_{self._recipe.surface}")


def _built(model: Model, products: ProductTable) -> Served:
    tables = model.tables(products)
    name = model.name(tables)
    if model.recipe.model == "popularity":
        return ServedPopularity(name, tables, model.widths, model.recipe.top_k)
    if model.recipe.model == "pair_ranker" or model.recipe.model in formulas.SMALL:
        side = product_side(model.arrays, tables)
        return ServedPairRanker(name, tables, model.widths, model.recipe.top_k, side, model.recipe.model)
    if model.recipe.model == "two_stage":
        return ServedTwoStage(name, cast(FactorTables, tables), model)
    if model.recipe.model == "text_match":
        texts = cast(QueryTables, tables)
        return ServedTextMatch(name, texts, model.widths, model.recipe.top_k, text_side(model.arrays, texts))
    if model.recipe.model == "text_ranker":
        texts = cast(QueryTables, tables)
        return ServedTextRanker(name, texts, model.widths, model.recipe.top_k, search_side(model.arrays, texts))
    raise Refused(f"Recipe {model.recipe.name} names a model '{model.recipe.model}'", f"Use {', '.join(KINDS)}")
