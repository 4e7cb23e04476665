"""The two-stage ranker, as float32 and as int8."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from include.errors import Refused
from include.evaluation.gate_weeks import GateWeek, measure_baselines, measure_model
from include.models import kin
from include.models.build import serve
from include.rollout import graph_scan
from include.training.checkpoint import Checkpoint
from include.training.fit_two_stage import fit_two_stage
from include.training.loop import Run
from tests import toy_models
from tests.model_claims import ModelClaims, RankerClaims
from tests.toy_shop import NIGHT


class TestTwoStage(RankerClaims):
    kind = "two_stage"

    def test_its_operations_are_allowed(self) -> None:
        assert graph_scan.faults(toy_models.bundle(self.kind) / "saved_model.pb") == []


class TestTwoStageInt8(ModelClaims):
    kind = "two_stage_int8"


def test_it_learns_a_toy_shop_by_heart() -> None:
    work, cut = toy_models.workspace()
    weeks = [GateWeek(night, cut.week(night), work.examples(night), work.products(night)) for night in cut.gate]
    model, rivals = measure_model(toy_models.two_stage(), weeks), measure_baselines(weeks, *work.weeks())
    assert model.means()["ndcg@10"] > 2 * rivals["popularity"].means()["ndcg@10"]
    assert model.means()["ndcg@10"] > rivals["item_knn"].means()["ndcg@10"]
    assert model.soundness.wrong == 0


@pytest.mark.long
def test_a_training_that_was_broken_off_goes_on_with_weights_and_their_average(tmp_path: Path) -> None:
    work, cut = toy_models.workspace()
    given = [work.examples(night) for night in cut.train], [work.products(night) for night in cut.train]
    recipe, path = toy_models.TWO_STAGE.model_copy(update={"epochs": 2}), tmp_path / "checkpoint.npz"
    whole = fit_two_stage(recipe, *given)

    class Stopped(Checkpoint):
        def save(self, state: Any, losses: list[float], at_once: bool = False) -> None:
            super().save(state, losses, at_once=True)
            if len(losses) == 5:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit_two_stage(recipe, *given, Run(Stopped(path, "toy")))
    resumed = fit_two_stage(recipe, *given, Run(Checkpoint(path, "toy")))
    assert resumed.losses == whole.losses
    assert {name: value.tobytes() for name, value in resumed.arrays.items()} == {
        name: value.tobytes() for name, value in whole.arrays.items()
    }


def test_a_night_without_factors_is_refused() -> None:
    work, _ = toy_models.workspace()
    bare = replace(work.products(NIGHT), factors=None)
    with pytest.raises(Refused, match="no factors"):
        serve(toy_models.two_stage(), bare)


def test_new_products_that_are_asked_for_alone_are_ordered_by_a_head_of_their_own() -> None:
    work, cut = toy_models.workspace()
    model, night = toy_models.two_stage(), cut.gate[-1]
    arrays = {name: value.copy() for name, value in model.arrays.items()}
    for name, value in (("hot_out", 0.0), ("hot_skip", 0.0), ("hot_offset", 5.0)):
        arrays[name][..., 1] = value
    served = serve(replace(model, arrays=arrays), work.products(night))
    inputs = work.examples(night).part(0).inputs(range(8))
    beside, alone = (served.ask(**inputs | {"exclude_bought": np.full(8, new)}) for new in (False, True))
    assert (alone["score"][alone["product"] != b""] == 5.0).all() and (alone["product"] != b"").any()
    assert not (beside["score"] == 5.0).any()


def test_kin_of_a_slot_leaves_out_the_slot_itself() -> None:
    features = np.log1p(np.array([[3.0, 2.0], [8.0, 1.0]], np.float32))
    found = kin.slots(("recency", "days_total"), tf.constant(features))
    groups = kin.group(tf.constant([1, 1]), tf.constant([1, 1]), tf.constant(2), 2, found)
    own = kin.of_slots(groups, found.channels).numpy()
    nearest = np.exp(-3 / kin.NEAR_DAYS)
    assert own[0] == pytest.approx([np.log1p(1), np.log1p(1), nearest], abs=1e-5)
    assert own[1] == pytest.approx([np.log1p(2), np.log1p(1), nearest], abs=1e-5)
    of_products = kin.of_products(groups, tf.constant([[1, 0], [1, 0]])).numpy()
    assert (of_products[0] == 0).all() and (of_products[1, 1] == 0).all()
    assert of_products[1, 0] == pytest.approx([np.log1p(3), np.log1p(2), nearest], abs=1e-5)
    weighed = kin.weighed(groups, tf.constant([1.0, 10.0, 100.0])).numpy()
    assert weighed.T[:, ::-1] == pytest.approx(of_products @ [1.0, 10.0, 100.0], abs=1e-4)
