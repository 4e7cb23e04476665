"""The two-stage ranker with one night's product side inside."""

from typing import Any

import numpy as np
import tensorflow as tf

from include.models import two_stage_scoring
from include.models.factor_tables import FactorTables
from include.models.int8_rows import quantise
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
        scores = two_stage_scoring.score(*self.sides(), self.columns, self.shortlist, *asked)
        return two_stage_scoring.answer(scores, self.hot, self.top_k)


def factor_side(model: Model, tables: FactorTables) -> dict[str, np.ndarray]:
    """Dense weights by name, `features` [R, P] standardised, the factors as `embedding`: int8 with `scale` if the model is."""
    features = (tables.features - model.arrays["product_mean"]) / model.arrays["product_deviation"]
    side = dict(model.arrays) | {"features": np.clip(features, -CUT, CUT).astype(np.float32)}
    if model.precision == "int8":
        stored, scale = quantise(tables.factors)
        return side | {"embedding": stored, "scale": scale}
    return side | {"embedding": tables.factors}
