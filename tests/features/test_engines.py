"""A training set assembled by Spark is the one that numpy assembles, to 1e-6."""

import numpy as np
import pytest

from include.features.reading import read_history, spark_history
from include.recipes.columns import Columns
from include.recipes.recipe import Recipe
from include.settings import SourceSpec
from include.training.assemble import assemble
from include.training.windows import windows
from include.training.workspace import Workspace
from tests.features.plain_shops import plain_shop

pytestmark = pytest.mark.long

COLUMNS = Columns(household=("recency", "visits_28", "holidays_ahead"))
RECIPE = Recipe(
    surface="home", name="quick", model="pair_ranker", train_weeks=1, gate_weeks=1, history_slots=8, columns=COLUMNS
)


def test_both_engines_assemble_the_same_training_set(tmp_path) -> None:
    shop = plain_shop("dense")
    night = shop.date(shop.last)
    cut = windows(night, shop.date(0), RECIPE.train_weeks, RECIPE.gate_weeks)
    here, there = Workspace(tmp_path / "numpy"), Workspace(tmp_path / "spark")
    told = shop.store, night, COLUMNS, SourceSpec()
    counts = assemble(read_history(*told), RECIPE, cut, shop.date(0), here)
    with spark_history(*told, tmp_path / "scratch") as history:
        assert assemble(history, RECIPE, cut, shop.date(0), there) == counts
    assert not (tmp_path / "scratch").exists()
    for day in (*cut.train, *cut.gate):
        one, two = here.examples(day), there.examples(day)
        assert one.household == two.household
        for name in ("history_product", "bought"):
            assert (getattr(one, name).values == getattr(two, name).values).all()
        assert np.allclose(one.history_features, two.history_features, rtol=1e-6, atol=1e-6)
        assert np.allclose(one.household_features, two.household_features, rtol=1e-6, atol=1e-6)
    for day in cut.nights:
        assert np.allclose(here.products(day).features, there.products(day).features, rtol=1e-6, atol=1e-6)
