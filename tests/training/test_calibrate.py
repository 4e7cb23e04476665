"""Scores become log-odds: slope and offset against a simulation whose truth is known, and answers that stay in their order."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from include.evaluation.gate_weeks import GateWeek
from include.evaluation.reliability import Scored, reliability, scored
from include.models import calibration, candidates
from include.models.build import serve
from include.models.model import Model
from include.training.calibrate import LEAST, calibrate, platt
from tests import toy_models


def simulated(slope: float, offset: float, answers: int = 40_000) -> Scored:
    """Products that are bought with chance sigmoid(slope * logit + offset)."""
    rng = np.random.default_rng(1)
    logit = rng.normal(0, 2, answers)
    return Scored(logit, rng.random(answers) < expit(slope * logit + offset))


@pytest.mark.parametrize(("slope", "offset"), [(1.0, 0.0), (0.4, -2.0), (3.0, 1.0)])
def test_slope_and_offset_are_found_again(slope: float, offset: float) -> None:
    found = platt(simulated(slope, offset))
    assert found == pytest.approx((slope, offset), rel=0.1, abs=0.05)


def test_calibrated_scores_are_as_likely_as_they_say() -> None:
    raw = simulated(0.4, -2.0)
    slope, offset = platt(raw)
    told = reliability(Scored(slope * raw.score + offset, raw.bought))
    assert told["error"] < 0.01 < 0.2 < reliability(raw)["error"]
    assert told["predicted"] == pytest.approx(told["bought"], abs=1e-3)


def test_the_error_is_the_mean_distance_of_chance_and_purchases() -> None:
    sure = Scored(np.repeat([-50.0, 50.0], 50), np.tile([True, False], 50))
    assert reliability(sure)["error"] == pytest.approx(0.5)
    assert reliability(Scored(np.zeros(0), np.zeros(0, bool))) == {"answers": 0}


def test_a_model_that_is_wrong_way_round_keeps_its_order_and_says_little() -> None:
    assert platt(simulated(-1.0, 0.0))[0] == LEAST


@pytest.mark.parametrize("bought", [True, False])
def test_a_few_answers_of_one_kind_are_no_certainty(bought: bool) -> None:
    slope, offset = platt(Scored(np.array([0.5, 1.0, 2.0]), np.full(3, bought)))
    assert 0.05 < expit(slope * 1.0 + offset) < 0.95


@given(
    logits=st.lists(st.floats(-30, 30, width=32), min_size=1, max_size=20),
    slope=st.floats(LEAST, 10),
    offset=st.floats(-10, 10),
    new=st.booleans(),
)
def test_the_order_stays_and_an_empty_place_stays_empty(logits: list[float], slope: float, offset: float, new: bool) -> None:
    asked = tf.constant([[*sorted(logits, reverse=True), candidates.NOTHING]], tf.float32)
    found = calibration.log_odds(tf.constant([[slope, offset]] * 2, tf.float32), asked, tf.constant([new])).numpy()[0]
    assert (np.diff(found) <= 0).all()
    assert found[-1] == np.float32(candidates.NOTHING)


class TestToyShop:
    model: Model
    weeks: list[GateWeek]

    @pytest.fixture(autouse=True)
    def shop(self) -> None:
        work, cut = toy_models.workspace()
        self.model = toy_models.two_stage()
        self.weeks = [GateWeek(night, cut.week(night), work.examples(night), work.products(night)) for night in cut.gate]

    def test_products_and_their_order_stay(self) -> None:
        found, told = calibrate(self.model, self.weeks)
        week = self.weeks[-1]
        for way, new in (("all", False), ("new", True)):
            inputs = week.examples.inputs(range(16)) | {"exclude_bought": np.full(16, new)}
            before, after = (serve(one, week.products).ask(**inputs) for one in (self.model, found))
            assert (before["product"] == after["product"]).all()
            taken = before["product"] != b""
            right = told[way]["slope"] * before["score"] + told[way]["offset"]
            np.testing.assert_allclose(after["score"][taken], right[taken], rtol=1e-3, atol=1e-3)

    def test_on_weeks_that_it_was_not_found_on_it_is_near_what_was_bought(self) -> None:
        _, told = calibrate(self.model, self.weeks)
        plain = reliability(scored(self.model, self.weeks[-1:], new=False))
        assert told["all"]["error"] < plain["error"]

    def test_the_newest_week_is_not_read(self) -> None:
        last = self.weeks[-1]
        nothing = replace(
            last.examples.bought, values=last.examples.bought.values[:0], offsets=0 * last.examples.bought.offsets
        )
        emptied = [*self.weeks[:-1], replace(last, examples=replace(last.examples, bought=nothing))]
        one, other = (calibrate(self.model, weeks)[0].arrays[calibration.NAME] for weeks in (self.weeks, emptied))
        assert (one == other).all()

    def test_a_score_that_is_no_number_is_left_to_the_gates(self) -> None:
        arrays = dict(self.model.arrays) | {"hot_offset": np.full_like(self.model.arrays["hot_offset"], np.nan)}
        broken = replace(self.model, arrays=arrays)
        assert calibrate(broken, self.weeks) == (broken, {})

    def test_without_weeks_scores_stay_logits(self) -> None:
        assert calibrate(self.model, []) == (self.model, {})
