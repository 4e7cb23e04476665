"""A training that goes on from an earlier model: rows by name, a name of its own, and less to do."""

import datetime as dt
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from include.compression.int8 import compress
from include.errors import Refused
from include.evaluation.gate_weeks import GateWeek, measure_model
from include.jobs.train_model import TrainModel
from include.models.build import serve
from include.models.export import write_bundle
from include.models.model import Model
from include.models.vocabulary import Vocabulary
from include.rollout import registry
from include.store.objects import Store, open_store
from include.training.fit import fit
from include.training.job import TrainingJob
from include.training.loop import Run
from include.training.warm import Start, newest
from tests import toy_models
from tests.toy_shop import NIGHT, RECIPE, WIDTHS

WARM = RECIPE.model_copy(update={"warm_weeks": 1})
BEFORE = NIGHT - dt.timedelta(days=1)


def start(model: Model) -> Start:
    return Start("m" * 16, BEFORE, BEFORE, model)


def model(recipe: Any = RECIPE, name: str = "") -> Model:
    found = toy_models.trained()
    return Model(recipe, found.vocabulary, found.arrays, WIDTHS, "toy", start=name)


def register(store: Store, folder: Path, night: dt.date, full: str = "") -> str:
    """A model in the registry."""
    work, _ = toy_models.workspace()
    found = model(WARM)
    served = serve(found, work.products(NIGHT))
    write_bundle(found, served, str(night), work.questions(), folder)
    meta = {"recipe": WARM.name, "night": str(night), **({"full": full} if full else {})}
    registry.register(store, "home", folder, served.model_name, meta, {})
    return served.model_name


@pytest.mark.parametrize("small", [False, True])
def test_rows_go_by_name_and_new_ones_begin_with_their_type_and_category(small: bool) -> None:
    old = model()
    begin = start(compress(old) if small else old)
    now = begin.vocabulary(Vocabulary.of(["a new one"], ["t0"], ["c1"]))
    assert set(now.products) == {*old.vocabulary.products, "a new one"}
    shape = old.arrays["product_embedding"].shape
    weights = {
        "product_embedding": tf.Variable(np.ones((shape[0] + 1, shape[1]), np.float32)),
        "hot_offset": tf.Variable([9.0]),
    }
    begin.give(weights, now)
    rows = weights["product_embedding"].numpy()
    assert (rows[now.products.index("a new one") + 1] == 0).all()
    for name in old.vocabulary.products:
        before = old.arrays["product_embedding"][old.vocabulary.products.index(name) + 1]
        np.testing.assert_allclose(rows[now.products.index(name) + 1], before, atol=np.abs(before).max() / 127)
    assert (weights["hot_offset"].numpy() == old.arrays["hot_offset"]).all()
    assert begin.unknown(["a new one", old.vocabulary.products[0]]) == 0.5


def test_one_epoch_over_the_newest_week_loses_nothing_that_was_learned() -> None:
    work, cut = toy_models.workspace()
    weeks = [GateWeek(night, cut.week(night), work.examples(night), work.products(night)) for night in cut.gate]
    begin, last = start(model()), cut.train[-1]
    found = fit(begin.shorter(WARM), [work.parts(last)], [work.products(last)], Run(start=begin))
    warm = Model(WARM, found.vocabulary, found.arrays, WIDTHS, "toy", start=begin.name)
    ndcg = [measure_model(one, weeks).means()["ndcg@10"] for one in (begin.model, warm)]
    assert ndcg[1] > 0.98 * ndcg[0]
    assert len(found.losses) == 1 and found.losses[0][0] < toy_models.trained().losses[0][0]


def test_the_name_of_a_model_holds_the_name_of_the_one_it_started_from(tmp_path: Path) -> None:
    tables = model().tables(toy_models.workspace()[0].products(NIGHT))
    names = {model(name=name).name(tables) for name in ("", "a" * 16, "b" * 16)}
    assert len(names) == 3
    model(name="a" * 16).save(tmp_path)
    assert Model.load(tmp_path).start == "a" * 16 and Model.load(tmp_path).name(tables) in names


def test_the_start_is_the_newest_registered_model_of_an_earlier_night(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    assert newest(store, "home", WARM, NIGHT, "toy") is None
    name = register(store, tmp_path / "b", BEFORE, full="2017-03-01")
    found = newest(store, "home", WARM, NIGHT, "toy")
    assert found and (found.name, found.night, found.full) == (name, BEFORE, dt.date(2017, 3, 1))
    assert newest(store, "home", WARM, BEFORE, "toy") is None, "a night that is run again does not start from itself"
    assert newest(store, "home", WARM, NIGHT, "other features") is None
    assert newest(store, "home", WARM.model_copy(update={"embedding": 8}), NIGHT, "toy") is None
    assert newest(store, "home", WARM.model_copy(update={"full_every": 3}), NIGHT, "toy"), "when is no part of what"


def test_a_job_goes_on_from_the_model_that_its_weeks_were_chosen_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TrainingJob, "get_recipe", lambda self: WARM)
    shutil.copytree(toy_models.workspace()[0].root, tmp_path / "work")
    one = TrainModel(store=str(tmp_path / "store"), surface="home", recipe="quick", night=NIGHT, work=tmp_path / "work")
    name = register(open_store(one.store), tmp_path / "b", BEFORE)
    about = one.space.read_json("assembled.json", "")
    one.space.write_json("assembled.json", about | {"start": name})
    result = one.run()
    assert (result["start"], result["full"], len(result["losses"])) == (name, str(BEFORE), WARM.warm_epochs)
    assert Model.load(one.bundle_path("fp32") / "assets.extra").start == name
    monkeypatch.setattr(TrainingJob, "get_recipe", lambda self: WARM.model_copy(update={"model": "text_ranker"}))
    with pytest.raises(Refused, match="cannot go on"):
        one.run()
