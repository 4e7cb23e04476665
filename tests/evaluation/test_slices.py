"""The gates by slices: whose answers are compared with which."""

import numpy as np

from include.evaluation.gate_weeks import Measured, Soundness, soundness_of
from include.evaluation.gates import METRIC, compare
from include.evaluation.slices import FEW, Answered
from include.recipes.recipe import Gates

WEEK = Answered([f"h{i}" for i in range(700)], ["2017-10-01"] * 700, np.where(np.arange(700) < 350, 3, FEW))


def measured(values: np.ndarray, **other) -> Measured:
    return Measured({METRIC: values}, 0.5, **other)


def test_every_answer_is_in_its_night_and_in_one_group_of_households() -> None:
    found = Answered.join([WEEK, Answered(["h0"], ["2017-10-08"], np.array([FEW - 1]))]).slices()
    assert [int(part.sum()) for part in found.values()] == [700, 1, 351, 350]
    assert (sum(part.astype(int) for part in found.values()) == 2).all()


def test_no_week_has_no_slices() -> None:
    assert not any(part.any() for part in Answered.join([]).slices().values())


def test_a_model_that_wins_by_some_households_and_fails_others_is_refused() -> None:
    rival = np.full(700, 0.2)
    values = rival + np.where(np.arange(700) < 350, -0.05, 0.15)
    rivals = {"popularity": measured(rival), "item_knn": measured(rival)}
    verdict, figures = compare(measured(values), rivals, None, WEEK, Gates(), unknown=0.0, megabytes=1.0)
    assert "Gate slices: behind popularity for households with under" in verdict.reason
    assert set(figures["slices"]) == set(WEEK.slices())
    assert figures["slices"][f"households with under {FEW} products"]["rivals"]["popularity"]["value"] == -0.05


def test_a_lead_is_over_the_best_rival_and_cpu_is_by_answer() -> None:
    rivals = {"popularity": measured(np.full(700, 0.1)), "item_knn": measured(np.full(700, 0.2))}
    candidate = measured(np.full(700, 0.5), soundness=Soundness(wrong=0, flat=0), cpu=7.0)
    verdict, figures = compare(candidate, rivals, None, WEEK, Gates(), unknown=0.0, megabytes=1.0)
    assert "Gate leak" in verdict.reason
    assert figures["soundness"] == {"wrong": 0, "flat": 0, "lead": 1.5, "unknown": 0.0, "megabytes": 1.0, "cpu_ms": 10.0}


def test_an_answer_with_one_score_for_all_products_is_flat_and_one_with_a_single_product_is_not() -> None:
    answers = np.array([[1, 2, 3], [4, -1, -1], [5, 6, 7]])
    scores = np.array([[0.5, 0.5, 0.5], [0.5, 0.5, 0.5], [0.5, 0.4, 0.4]], np.float32)
    assert soundness_of(answers, scores) == Soundness(wrong=0, flat=1)
