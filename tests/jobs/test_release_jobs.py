"""Bad input of the release's jobs, and what the shadow's judge says without a model server."""

import datetime as dt

import pytest

from include.errors import Refused, TryAgain
from include.jobs.check_bundle import CheckBundle
from include.jobs.judge_shadow import JudgeShadow
from include.jobs.replay_shoppers import ReplayShoppers
from include.jobs.verify_serving import VerifyServing
from include.serving.answer_log import Answer, AnswerLog
from include.store.objects import Missing

NIGHT = dt.date(2017, 10, 22)


@pytest.fixture(autouse=True)
def var(tmp_path, monkeypatch):
    monkeypatch.setenv("NIGHTFILL_VAR", str(tmp_path / "var"))
    monkeypatch.setenv("NIGHTFILL_PORT_BASE", "31870")


def job(kind, tmp_path, **fields):
    return kind(store=str(tmp_path / "store"), **({"surface": "home"} | fields))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"surface": "cellar"}, "no surface 'cellar'"),
        ({"night": "2017-02-30"}, "not a date"),
        ({"first": "2017-10-22"}, "is not after the night"),
        ({"first": "2017-10-25", "last": "2017-10-24"}, "before it begins"),
    ],
)
def test_a_replay_with_wrong_days_or_surface_is_refused(tmp_path, fields, words):
    with pytest.raises(Refused, match=words):
        job(ReplayShoppers, tmp_path, **({"night": str(NIGHT)} | fields)).run()


def test_a_replay_without_a_gateway_tries_again(tmp_path):
    with pytest.raises(TryAgain, match="gateway was not ready"):
        job(ReplayShoppers, tmp_path, night=str(NIGHT), gateway_seconds=0.2).run()


def test_checking_or_verifying_what_is_not_there_is_refused(tmp_path):
    with pytest.raises(Missing, match="no version or model '3'"):
        job(CheckBundle, tmp_path, version=3).run()
    with pytest.raises(Refused, match="Nothing is stable on home"):
        job(VerifyServing, tmp_path).run()
    for kind, fields in ((CheckBundle, {"version": 0}), (VerifyServing, {})):
        with pytest.raises(Refused, match="no surface"):
            job(kind, tmp_path, **({"surface": "cellar"} | fields)).run()


def answers(tmp_path, shadow: int, failed: int = 0, score: float = 0.5, n: int = 100) -> None:
    with AnswerLog(tmp_path / "var" / "answers", "home", NIGHT, "r") as out:
        for arm, count in (("stable", n), ("shadow", shadow)):
            for i in range(count):
                lost = arm == "shadow" and i < failed
                out.write(
                    Answer(
                        request=f"{i}{arm}",
                        night=str(NIGHT),
                        surface="home",
                        household=f"h{i}",
                        arm=arm,
                        model=arm[0] * 16,
                        products=["p"],
                        scores=[score if arm == "shadow" else 0.5],
                        ms=1.0,
                        code="UNAVAILABLE" if lost else "OK",
                        day="2017-10-23",
                        run="r",
                    )
                )


def shadow_verdict(tmp_path) -> tuple[str, str]:
    found = job(JudgeShadow, tmp_path, night=str(NIGHT), run_id="r").run()["verdict"]
    return found["kind"], found["reason"]


def test_a_shadow_that_missed_many_questions_holds(tmp_path):
    answers(tmp_path, shadow=80)
    kind, reason = shadow_verdict(tmp_path)
    assert kind == "HOLD" and "80 of 100" in reason


def test_a_shadow_whose_answers_fail_is_rolled_back(tmp_path):
    answers(tmp_path, shadow=100, failed=5)
    kind, reason = shadow_verdict(tmp_path)
    assert kind == "ROLL_BACK" and "5 of 100" in reason


def test_a_shadow_whose_scores_are_not_finite_is_rolled_back(tmp_path):
    answers(tmp_path, shadow=100, score=float("nan"))
    kind, reason = shadow_verdict(tmp_path)
    assert kind == "ROLL_BACK" and "not finite" in reason


def test_judging_a_replay_that_never_was_is_refused(tmp_path):
    with pytest.raises(Refused, match="no answers of run r"):
        shadow_verdict(tmp_path)
    answers(tmp_path, shadow=100)
    with pytest.raises(Refused, match="no release gone"):
        job(JudgeShadow, tmp_path, night=str(NIGHT), run_id="r", release="gone").run()
