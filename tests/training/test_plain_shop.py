"""A shop without departments, types, texts and promotions still gets a model that ranks better than popularity."""

import datetime as dt

import numpy as np

from include.evaluation.gate_weeks import GateWeek, measure_baselines, measure_model
from include.models.model import Model
from include.training.assemble import assemble
from include.training.fit import fit
from include.training.windows import windows
from include.training.workspace import Workspace
from tests.toy_shop import FIRST, NIGHT, RECIPE, WIDTHS, ToyHistory, ToyView

FEW = RECIPE.model_copy(update={"epochs": 3})


class PlainHistory(ToyHistory):
    """Nothing is known of a product but its code."""

    def view(self, night: dt.date) -> ToyView:
        view = super().view(night)
        view.content = {name: np.array([""] * self.products, object) for name in ("type", "category")}
        return view


def test_a_model_without_any_word_of_its_products_learns_and_answers(tmp_path):
    work, cut = Workspace(tmp_path), windows(NIGHT, FIRST, FEW.train_weeks, FEW.gate_weeks)
    assemble(PlainHistory(), FEW, cut, FIRST, work)
    trained = fit(FEW, [work.examples(night) for night in cut.train], [work.products(night) for night in cut.train])
    assert trained.vocabulary.types == () == trained.vocabulary.categories
    weeks = [GateWeek(night, cut.week(night), work.examples(night), work.products(night)) for night in cut.gate]
    model = measure_model(Model(FEW, trained.vocabulary, trained.arrays, WIDTHS, "toy"), weeks)
    assert model.soundness.wrong == 0
    assert model.means()["ndcg@10"] > measure_baselines(weeks, *work.weeks())["popularity"].means()["ndcg@10"]
