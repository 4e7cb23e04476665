"""The gate of a trained model: it passes on evidence only."""

import pytest

from include.recipes.recipe import Gates
from include.rollout.candidate_gate import Difference, Evidence, judge
from include.rollout.verdict import Kind

GOOD = Difference(value=0.1, low=0.05, high=0.15, households=500)
BAD = Difference(value=0.01, low=-0.02, high=0.04, households=500)
FEW = Difference(value=0.1, low=0.05, high=0.15, households=7)
BOTH = {"popularity": GOOD, "item_knn": GOOD}


def test_a_model_that_beats_its_rivals_may_go_on() -> None:
    verdict = judge(Evidence(queries=900, rivals=BOTH), Gates())
    assert verdict.kind is Kind.ADVANCE
    assert "item_knn by +0.1000" in verdict.reason
    assert "no champion" in verdict.reason


@pytest.mark.parametrize(
    ("evidence", "reason"),
    [
        (Evidence(queries=0), "no data is never a pass"),
        (Evidence(queries=900, rivals={"popularity": GOOD}), "No comparison with item_knn"),
        (Evidence(queries=9, rivals={"popularity": FEW, "item_knn": GOOD}), "Only 7 households"),
        (Evidence(queries=900, rivals=BOTH, wrong=1), "1 of 900 answers"),
        (Evidence(queries=900, rivals={"popularity": GOOD, "item_knn": BAD}), "does not beat item_knn"),
        (
            Evidence(queries=900, rivals=BOTH, champion=Difference(value=-0.01, low=-0.03, high=0.01, households=500)),
            "more than 2% to the champion",
        ),
    ],
)
def test_a_model_is_refused_with_a_reason(evidence: Evidence, reason: str) -> None:
    verdict = judge(evidence, Gates())
    assert verdict.kind is Kind.REFUSE
    assert reason in verdict.reason


def test_a_small_loss_to_the_champion_is_no_reason() -> None:
    champion = Difference(value=-0.005, low=-0.012, high=0.002, households=500)
    assert judge(Evidence(queries=900, rivals=BOTH, champion=champion), Gates()).kind is Kind.ADVANCE


def test_a_figure_that_is_no_number_never_passes() -> None:
    odd = Difference(value=float("nan"), low=float("nan"), high=float("nan"), households=500)
    assert judge(Evidence(queries=900, rivals=BOTH | {"popularity": odd}), Gates()).kind is Kind.REFUSE
    assert judge(Evidence(queries=900, rivals=BOTH, champion=odd), Gates()).kind is Kind.REFUSE
