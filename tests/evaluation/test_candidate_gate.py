"""The gate of a trained model: it passes on evidence only."""

from typing import Any

import pytest

from include.recipes.recipe import Gates
from include.rollout.candidate_gate import MIN_SLICE, Comparison, Difference, Evidence, judge
from include.rollout.verdict import Kind

GOOD = Difference(value=0.1, low=0.05, high=0.15, households=500)
BAD = Difference(value=0.01, low=-0.02, high=0.04, households=500)
FEW = Difference(value=0.1, low=0.05, high=0.15, households=7)
BOTH = {"popularity": GOOD, "item_knn": GOOD}
LOST = Difference(value=-0.1, low=-0.2, high=-0.05, households=500)


def evidence(**other: Any) -> Evidence:
    """Of a sound model within its budgets, but for what is given."""
    return Evidence(**{"wrong": 0, "flat": 0, "lead": 0.1, "unknown": 0.01, "megabytes": 3.0, "cpu_ms": 2.0, **other})


def test_a_model_that_beats_its_rivals_may_go_on() -> None:
    verdict = judge(evidence(queries=900, rivals=BOTH), Gates())
    assert verdict.kind is Kind.ADVANCE
    assert "item_knn by +0.1000" in verdict.reason
    assert "no champion" in verdict.reason


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (evidence(queries=0), "no data is never a pass"),
        (evidence(queries=900, rivals={"popularity": GOOD}), "No comparison with item_knn"),
        (evidence(queries=9, rivals={"popularity": FEW, "item_knn": GOOD}), "Only 7 households"),
        (evidence(queries=900, rivals=BOTH, wrong=1), "1 of 900 answers"),
        (evidence(queries=900, rivals={"popularity": GOOD, "item_knn": BAD}), "does not beat item_knn"),
        (
            evidence(queries=900, rivals=BOTH, champion=Difference(value=-0.01, low=-0.03, high=0.01, households=500)),
            "more than 2% to the champion",
        ),
        (evidence(queries=900, rivals=BOTH, flat=10), "Gate spread of scores: 10 of 900"),
        (evidence(queries=900, rivals=BOTH, lead=1.01), "Gate leak: NDCG@10 is +101% over the best"),
        (evidence(queries=900, rivals=BOTH, unknown=0.3), "Gate vocabulary: the model has no row for 30%"),
        (evidence(queries=900, rivals=BOTH, megabytes=501.0), "Gate size: the bundle has 501.0 MB"),
        (evidence(queries=900, rivals=BOTH, cpu_ms=float("nan")), "Gate time"),
    ],
)
def test_a_model_is_refused_with_a_reason(found: Evidence, reason: str) -> None:
    verdict = judge(found, Gates())
    assert verdict.kind is Kind.REFUSE
    assert reason in verdict.reason


def test_a_small_loss_to_the_champion_is_no_reason() -> None:
    champion = Difference(value=-0.005, low=-0.012, high=0.002, households=500)
    assert judge(evidence(queries=900, rivals=BOTH, champion=champion), Gates()).kind is Kind.ADVANCE


def test_a_figure_that_is_no_number_never_passes() -> None:
    odd = Difference(value=float("nan"), low=float("nan"), high=float("nan"), households=500)
    assert judge(evidence(queries=900, rivals=BOTH | {"popularity": odd}), Gates()).kind is Kind.REFUSE
    assert judge(evidence(queries=900, rivals=BOTH, champion=odd), Gates()).kind is Kind.REFUSE


def test_a_slice_that_is_certainly_behind_refuses_a_model_and_a_small_one_does_not() -> None:
    behind = {"rivals": BOTH | {"item_knn": LOST}}
    small, large = Comparison(queries=MIN_SLICE - 1, **behind), Comparison(queries=MIN_SLICE, **behind)
    assert judge(evidence(queries=900, rivals=BOTH, slices={"few": small}), Gates()).kind is Kind.ADVANCE
    verdict = judge(evidence(queries=900, rivals=BOTH, slices={"few": large}), Gates())
    assert verdict.kind is Kind.REFUSE
    assert verdict.reason.startswith("Gate slices: behind item_knn for few")


def test_a_slice_may_lose_no_more_to_the_champion_than_all_may_and_doubt_is_no_reason() -> None:
    lost, doubtful = (Comparison(queries=400, rivals=BOTH, champion=one) for one in (LOST, BAD))
    assert "to the champion for few" in judge(evidence(queries=900, rivals=BOTH, slices={"few": lost}), Gates()).reason
    assert judge(evidence(queries=900, rivals=BOTH, slices={"few": doubtful}), Gates()).kind is Kind.ADVANCE
