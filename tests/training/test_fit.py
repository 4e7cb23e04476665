"""Training learns, and gives the same model twice."""

import numpy as np
import pytest

from include.errors import Refused
from include.evaluation.gate_weeks import GateWeek, measure_baselines, measure_model
from include.models.model import Model
from include.models.tables import night_tables
from include.models.vocabulary import Vocabulary
from include.training.batches import Night, plan
from include.training.examples import Examples, ragged
from include.training.fit import fit
from tests import toy_models
from tests.toy_shop import RECIPE, WIDTHS


def gate_weeks() -> list[GateWeek]:
    work, cut = toy_models.workspace()
    return [GateWeek(night, cut.week(night), work.examples(night), work.products(night)) for night in cut.gate]


def test_it_learns_a_toy_shop_by_heart() -> None:
    weeks = gate_weeks()
    model = measure_model(toy_models.pair_ranker(), weeks)
    rivals = measure_baselines(weeks, *toy_models.workspace()[0].weeks())
    assert model.means()["ndcg@10"] > 2 * rivals["popularity"].means()["ndcg@10"]
    assert model.means()["ndcg@10"] > rivals["item_knn"].means()["ndcg@10"]
    assert model.wrong == 0
    losses = [np.mean(epoch) for epoch in toy_models.trained().losses]
    assert losses[-1] < losses[0]


def test_the_same_examples_give_the_same_model_name() -> None:
    work, cut = toy_models.workspace()
    names = set()
    for _ in range(2):
        found = fit(toy_models.QUICK, [work.examples(n) for n in cut.train], [work.products(n) for n in cut.train])
        model = Model(toy_models.QUICK, found.vocabulary, found.arrays, WIDTHS, "toy")
        names.add(model.name(model.tables(work.products(cut.night))))
    assert len(names) == 1


def test_nothing_to_learn_from_is_refused() -> None:
    work, cut = toy_models.workspace()
    nobody = Examples([], ragged([]), np.zeros((0, 3), np.float32), np.zeros((0, 2), np.float32), ragged([]))
    with pytest.raises(Refused, match="nothing to train on"):
        fit(toy_models.QUICK, [nobody], [work.products(cut.train[0])])


def test_every_household_is_in_one_batch_of_an_epoch_with_its_own_labels() -> None:
    work, cut = toy_models.workspace()
    table = work.products(cut.train[0])
    examples = work.examples(cut.train[0])
    night = Night(examples, night_tables(table, Vocabulary(), RECIPE.hot_products))
    seen = 0
    for _, chosen in plan([night], 7, np.random.default_rng(0)):
        batch = night.batch(chosen)
        seen += len(batch["history_product"])
        for product, slot, hot in zip(batch["history_product"], batch["slot_label"], batch["hot_label"], strict=True):
            candidates = [i for i in range(len(examples)) if set(examples.history_product.row(i)) == set(product[product >= 0])]
            bought = set(examples.bought.row(candidates[0]).tolist())
            assert set(product[slot > 0].tolist()) == bought & set(product.tolist())
            hot_ids = {int(i) for i in night.tables.hot[hot > 0]}
            reach = {int(night.tables.row_of[p]) for p in bought - set(product.tolist())} & set(night.tables.hot.tolist())
            assert hot_ids == reach
    assert seen == len(night.usable)
