"""The recipes that train in under a minute, each on the toy shop: the same claims by the same names as for the others."""

import numpy as np
import pytest

from include import recipes
from include.evaluation.gate_weeks import GateWeek, measure_baselines, measure_model
from include.models import formulas
from include.models.build import serve
from include.rollout import graph_scan
from include.training.in_batch import LEAST, with_shares
from tests import toy_models
from tests.model_claims import ModelClaims
from tests.toy_shop import NIGHT


class SmallClaims(ModelClaims):
    """What a recipe of include/models/formulas.py keeps besides."""

    def test_its_operations_are_allowed(self) -> None:
        assert graph_scan.faults(toy_models.bundle(self.kind) / "saved_model.pb") == []

    def test_it_learns_a_toy_shop(self) -> None:
        work, cut = toy_models.workspace()
        weeks = [GateWeek(night, cut.week(night), work.examples(night), work.products(night)) for night in cut.gate[:1]]
        measured = measure_model(toy_models.small(self.kind), weeks)
        rivals = measure_baselines(weeks, *work.weeks())
        assert measured.means()["ndcg@10"] > 1.5 * rivals["popularity"].means()["ndcg@10"]
        assert measured.soundness.wrong == 0

    def test_its_int8_twin_answers_alike(self) -> None:
        inputs = toy_models.question()
        plain, small = (
            serve(toy_models.MODELS[kind](), toy_models.workspace()[0].products(NIGHT)).ask(**inputs)["score"]
            for kind in (self.kind, f"{self.kind}_int8")
        )
        assert small == pytest.approx(plain, abs=0.05 * float(np.abs(plain).max()))

    def test_it_is_a_recipe_of_home(self) -> None:
        assert recipes.get("home", self.kind).model == self.kind


class TestMatrixFactors(SmallClaims):
    kind = "matrix_factors"


class TestTwoTower(SmallClaims):
    kind = "two_tower"


class TestCrossNetwork(SmallClaims):
    kind = "cross_network"


class TestGru(SmallClaims):
    kind = "gru"


class TestTransformer(SmallClaims):
    kind = "transformer"


def test_every_formula_keeps_the_claims() -> None:
    assert {claims.kind for claims in SmallClaims.__subclasses__()} == set(formulas.SMALL)


def test_a_sequence_is_told_apart_from_the_same_products_in_another_order() -> None:
    inputs = toy_models.question(1)
    turned = inputs | {name: inputs[name][:, ::-1] for name in ("history_product", "history_features")}
    table = toy_models.workspace()[0].products(NIGHT)
    for name, alike in (("matrix_factors", True), ("gru", False), ("transformer", False)):
        served = serve(toy_models.small(name), table)
        same = np.allclose(served.ask(**inputs)["score"], served.ask(**turned)["score"], atol=1e-5)
        assert same == alike, name


def test_a_products_chance_to_be_in_a_batch_is_counted_on_the_training_nights() -> None:
    work, cut = toy_models.workspace()
    model = toy_models.small("two_tower")
    tables = [model.tables(work.products(night)) for night in cut.train]
    given = [work.parts(night) for night in cut.train]
    size = len(model.vocabulary.products) + 1
    side, *_ = with_shares([{} for _ in tables], given, tables, size)
    share = side["share"].numpy()
    assert share.shape == (tables[0].rows,) and (share >= LEAST * 0.999).all() and 0.5 < share[1:].sum() <= 1.001
    bought = np.concatenate([work.examples(night).bought.values for night in cut.train])
    most, least = np.argsort(np.bincount(bought))[[-1, 0]]
    assert share[tables[0].row_of[most]] > share[tables[0].row_of[least]]
