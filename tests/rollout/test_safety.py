import random

from include.rollout.martingale import Martingale
from include.rollout.safety import Seen, judge
from include.rollout.verdict import Kind
from tests.rollout.simulate import ramp, same


def seen(n: int, weight: float = 0.25, seed: int = 0, **canary) -> list[Seen]:
    rng = random.Random(seed)
    return list(ramp(rng, lambda rng, arm, i: {"ms": 4.0} | (canary if arm == "canary" else {}), ramp=((weight, n),)))


def test_no_data_never_advances():
    verdict = judge([], step_began=0)
    assert verdict.kind is Kind.HOLD
    assert "0 canary households at this step, 30 are needed" in verdict.reason


def test_a_silent_canary_never_advances():
    only_stable = [one for one in seen(500) if one.arm == "stable"]
    assert judge(only_stable, step_began=0).kind is Kind.HOLD


def test_thirty_canary_households_without_harm_advance():
    verdict = judge(seen(300), step_began=0)
    assert verdict.kind is Kind.ADVANCE
    assert verdict.figures["failed_first_attempts"] == {"stable": 0, "canary": 0}


def test_households_of_an_earlier_step_do_not_count_for_this_one():
    assert judge(seen(300), step_began=290.0).kind is Kind.HOLD


def test_one_household_that_asks_often_is_one_witness():
    often = [Seen(at=float(i), household="7", arm="canary", weight=0.25) for i in range(500)]
    assert judge(often, step_began=0).kind is Kind.HOLD


def test_errors_from_a_zero_baseline_roll_back():
    verdict = judge(seen(300, failed=True), step_began=0)
    assert verdict.kind is Kind.ROLL_BACK
    assert "failed" in verdict.reason or "errors" in verdict.reason


def test_nan_scores_roll_back_with_their_name():
    verdict = judge(seen(300, bad=True), step_began=0)
    assert verdict.kind is Kind.ROLL_BACK and "not finite" in verdict.reason


def test_wrong_shares_hold_whatever_else_looks_good():
    rng = random.Random(1)
    wrong = [
        Seen(at=float(i), household=str(i), arm="canary" if rng.random() < 0.4 else "stable", weight=0.1) for i in range(400)
    ]
    verdict = judge(wrong, step_began=0)
    assert verdict.kind is Kind.HOLD and "shares of households" in verdict.reason


def test_right_shares_pass_the_split_check():
    rng = random.Random(3)
    for _ in range(20):
        assert judge(list(ramp(rng, same)), step_began=0).figures["split"] < 1000


def test_a_gap_in_the_evidence_holds():
    verdict = judge(seen(300), step_began=0, gaps=["12 of 300 answers have no line"])
    assert verdict.kind is Kind.HOLD and "12 of 300" in verdict.reason


def test_when_both_arms_are_down_the_canary_is_not_blamed():
    rng = random.Random(4)
    down = list(ramp(rng, lambda rng, arm, i: {"failed": True}, ramp=((0.25, 400),)))
    assert judge(down, step_began=0).kind is not Kind.ROLL_BACK


def test_the_evidence_of_equal_arms_has_mean_1_at_most():
    rng = random.Random(6)
    ends = []
    for _ in range(4000):
        test = Martingale()
        for i in range(40):
            weight = (0.05, 0.25, 0.5)[i * 3 // 40]
            test.event(rng.random() < weight, weight)
        ends.append(test.value)
    mean = sum(ends) / len(ends)
    spread = (sum((e - mean) ** 2 for e in ends) / len(ends)) ** 0.5
    assert mean <= 1 + 3 * spread / len(ends) ** 0.5


def test_a_weight_of_nothing_or_all_gives_no_evidence_by_comparison():
    test = Martingale()
    test.event(True, 1.0)
    test.event(False, 0.0)
    assert test.value == 1.0


def test_slower_than_stable_but_within_the_budget_is_no_harm():
    slower = seen(600, ms=40.0)
    assert judge(slower, step_began=0).kind is Kind.ROLL_BACK
    assert judge(slower, step_began=0, budget_ms=100).kind is Kind.ADVANCE


def test_slower_than_stable_and_beyond_the_budget_rolls_back():
    assert judge(seen(600, ms=400.0), step_began=0, budget_ms=100).kind is Kind.ROLL_BACK
