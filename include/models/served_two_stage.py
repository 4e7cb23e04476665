"""The two-stage ranker with one night's product side inside."""

from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from include.models import scoring, two_stage_scoring
from include.models.factor_tables import FactorTables, halves, itself
from include.models.int8_rows import quantise, widen
from include.models.model import Model
from include.models.product_side import CUT
from include.models.serving import ServedRanker


class ServedTwoStage(ServedRanker):
    """A linear first stage over the hot products, and networks over the household's slots and the shortlist."""

    def __init__(self, name: str, tables: FactorTables, model: Model) -> None:
        self.columns, self.shortlist = model.recipe.columns.history, model.recipe.shortlist
        super().__init__(name, tables, model.widths, model.recipe.top_k, factor_side(model, tables))

    def choose(self, product: Any, features: Any, household: Any, exclude: Any) -> tuple[tf.Tensor, tf.Tensor]:
        asked = product, features, household, exclude
        scores = two_stage_scoring.score(*self.both(), self.columns, self.shortlist, *asked)
        return two_stage_scoring.answer(scores, exclude, self.hot, self.top_k)

    def both(self) -> tuple[scoring.Weights, two_stage_scoring.Night]:
        """Dense weights, and the night's product side as the formula reads it."""
        weights, products = self.sides()
        outer = partial(self.embedded, "outer", "outer_scale")
        return weights, two_stage_scoring.Night(products, outer, *(weights[name] for name in OF_NIGHT))


OF_NIGHT = ("itself", "hot_outer", "hot_base")


def factor_side(model: Model, tables: FactorTables) -> dict[str, np.ndarray]:
    """Dense weights by name, `features` [R, P] standardised, In of the factors as `embedding` and Out as `outer` [R, D]: int8
    with `scale` and `outer_scale` [R, 1] if the model is; and what of them is the same for everybody is made here, once a
    night: see two_stage_scoring.Night."""
    features = (tables.features - model.arrays["product_mean"]) / model.arrays["product_deviation"]
    side = dict(model.arrays) | {"features": np.clip(features, -CUT, CUT).astype(np.float32)}
    rows = tables.factors
    if model.precision == "int8":
        stored, scale = quantise(rows)
        rows = widen(stored, scale)
        side["embedding"], side["outer"] = halves(stored)
        side["scale"], side["outer_scale"] = halves(scale)
    else:
        side["embedding"], side["outer"] = halves(rows)
    base = side["features"][tables.hot] @ model.arrays["first_product"]
    hot_outer = halves(rows)[1][tables.hot]
    return side | {"itself": itself(rows), "hot_outer": hot_outer, "hot_base": base.astype(np.float32)}
