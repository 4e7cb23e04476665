"""Training learns, and gives the same model twice."""

import weakref
from pathlib import Path

import numpy as np
import pytest

from include.errors import Refused
from include.evaluation.gate_weeks import GateWeek, measure_baselines, measure_model
from include.models.model import Model
from include.models.tables import night_tables
from include.models.vocabulary import Vocabulary
from include.training import examples as parts
from include.training.batches import WINDOW, Feed, Night
from include.training.examples import ExampleFile, Examples, ragged, write_examples
from include.training.fit import fit
from include.training.scalers import fit_scalers
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
    assert model.soundness.wrong == 0
    losses = [np.mean(epoch) for epoch in toy_models.trained().losses]
    assert losses[-1] < losses[0]


def test_the_same_examples_give_the_same_model_name() -> None:
    work, cut = toy_models.workspace()
    names = set()
    for _ in range(2):
        found = fit(toy_models.QUICK, [work.parts(n) for n in cut.train], [work.products(n) for n in cut.train])
        model = Model(toy_models.QUICK, found.vocabulary, found.arrays, WIDTHS, "toy")
        names.add(model.name(model.tables(work.products(cut.night))))
    assert len(names) == 1


def test_nothing_to_learn_from_is_refused() -> None:
    work, cut = toy_models.workspace()
    nobody = Examples([], ragged([]), np.zeros((0, 3), np.float32), np.zeros((0, 2), np.float32), ragged([]))
    with pytest.raises(Refused, match="nothing to train on"):
        fit(toy_models.QUICK, [nobody], [work.products(cut.train[0])])


@pytest.mark.parametrize("size", [7, 100])
def test_every_household_is_in_one_batch_of_an_epoch_with_its_own_labels(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(parts, "PART", 20)
    work, cut = toy_models.workspace()
    examples = work.examples(cut.train[0])
    tables = night_tables(work.products(cut.train[0]), Vocabulary(), RECIPE.hot_products)
    feed = Feed([examples], lambda night, part: Night(part, tables), size, 0)
    seen = 0
    for night, (batch,) in feed.batches(feed.plan(3), [slice(None)]):
        assert night == 0
        seen += len(batch["history_product"])
        for product, slot, hot in zip(batch["history_product"], batch["slot_label"], batch["hot_label"], strict=True):
            candidates = [i for i in range(len(examples)) if set(examples.history_product.row(i)) == set(product[product >= 0])]
            bought = set(examples.bought.row(candidates[0]).tolist())
            assert set(product[slot > 0].tolist()) == bought & set(product.tolist())
            hot_ids = {int(i) for i in tables.hot[hot > 0]}
            reach = {int(tables.row_of[p]) for p in bought - set(product.tolist())} & set(tables.hot.tolist())
            assert hot_ids == reach
    assert seen == len(Night(examples, tables).usable)


def test_batches_read_from_disk_are_those_from_memory_and_few_parts_are_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "PART", 5)
    work, cut = toy_models.workspace()
    nights = [work.examples(night) for night in cut.train]
    tables = night_tables(work.products(cut.train[0]), Vocabulary(), RECIPE.hot_products)
    for number, night in enumerate(nights):
        assert write_examples((night.part(i) for i in range(night.parts)), tmp_path / str(number)) == len(night)
    files = [ExampleFile(tmp_path / str(number)) for number in range(len(nights))]
    assert [one.parts for one in files] == [one.parts for one in nights] and files[0].parts == 10
    opened = weakref.WeakSet[Night]()
    most = 0

    def look(_: int, part: Examples) -> Night:
        opened.add(night := Night(part, tables))
        return night

    memory, disk = Feed(nights, lambda _, part: Night(part, tables), 3, 7), Feed(files, look, 3, 7)
    plan = disk.plan(1)
    for one, other in zip(memory.batches(memory.plan(1), [slice(None)]), disk.batches(plan, [slice(None)]), strict=True):
        most = max(most, len(opened))
        assert one[0] == other[0] and all((one[1][0][name] == value).all() for name, value in other[1][0].items())
    assert 1 < most <= WINDOW + 1
    assert [p.chosen.tolist() for p in plan] != [p.chosen.tolist() for p in disk.plan(2)]


def test_shares_of_a_batch_are_the_batch() -> None:
    work, cut = toy_models.workspace()
    tables = night_tables(work.products(cut.train[0]), Vocabulary(), RECIPE.hot_products)
    feed = Feed([work.parts(cut.train[0])], lambda night, part: Night(part, tables), 7, 0)
    plan = feed.plan(0)
    halves = list(feed.batches(plan, [slice(0, None, 2), slice(1, None, 2)]))
    for (_, (whole,)), (_, two) in zip(feed.batches(plan, [slice(None)]), halves, strict=True):
        for name in ("household_features", "hot_label"):
            assert (whole[name][0::2] == two[0][name]).all() and (whole[name][1::2] == two[1][name]).all()


def test_scalers_of_parts_are_those_of_all_rows() -> None:
    work, cut = toy_models.workspace()
    nights, tables = [work.examples(night) for night in cut.train], [work.products(night) for night in cut.train]
    found = fit_scalers([work.parts(night) for night in cut.train], tables)
    rows = np.concatenate([night.history_features for night in nights])
    np.testing.assert_allclose(found["history_mean"], rows.mean(axis=0, dtype=np.float64), rtol=1e-6)
    np.testing.assert_allclose(found["history_deviation"], rows.std(axis=0, dtype=np.float64), rtol=1e-6)


def test_examples_that_vanish_while_they_are_read_are_refused_in_words(tmp_path: Path) -> None:
    work, cut = toy_models.workspace()
    path = tmp_path / "night.parquet"
    night = work.examples(cut.train[0])
    write_examples([night.part(0)], path)
    path.write_bytes(path.read_bytes()[:-50])
    for read in (lambda: ExampleFile(path).parts, lambda: ExampleFile(tmp_path / "none").part(0)):
        with pytest.raises(Refused, match="assemble_examples"):
            read()
