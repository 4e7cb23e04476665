"""What the shadow's judge says of answers whose scores are all alike, and that drills' answers are no evidence of a night."""

import datetime as dt

import pytest

from include.evaluation.answers import shown
from include.jobs.judge_shadow import JudgeShadow
from include.serving.answer_log import Answer, AnswerLog

NIGHT = dt.date(2017, 10, 22)


@pytest.fixture(autouse=True)
def var(tmp_path, monkeypatch):
    monkeypatch.setenv("NIGHTFILL_VAR", str(tmp_path / "var"))


def log(tmp_path, flat: dict[str, int], run: str = "r", n: int = 100) -> None:
    """`flat`: how many of an arm's answers have one score for all products."""
    with AnswerLog(tmp_path / "var" / "answers", "home", NIGHT, run) as out:
        for arm, count in flat.items():
            for i in range(n):
                out.write(
                    Answer(
                        request=f"{i}{arm}",
                        night=str(NIGHT),
                        surface="home",
                        household=f"h{i}",
                        arm=arm,
                        model=arm[0] * 16,
                        products=["p1", "p2", "p3"],
                        scores=[0.5, 0.5, 0.5] if i < count else [0.9, 0.5, 0.1],
                        ms=1.0,
                        code="OK",
                        day="2017-10-23",
                        run=run,
                    )
                )


def judged(tmp_path):
    return JudgeShadow(store=str(tmp_path / "store"), surface="home", night=str(NIGHT), run_id="r")


def test_a_shadow_with_constant_scores_is_rolled_back(tmp_path):
    log(tmp_path, {"stable": 2, "shadow": 40})
    verdict = judged(tmp_path).run()["verdict"]
    assert verdict["kind"] == "ROLL_BACK"
    assert "40% of the candidate's answers have constant scores, 2% of stable's" in verdict["reason"]


@pytest.mark.parametrize("flat", [{"stable": 0, "shadow": 5}, {"stable": 60, "shadow": 70}])
def test_a_few_flat_answers_or_as_many_as_stable_gives_decide_nothing(tmp_path, flat):
    log(tmp_path, flat)
    guarded = judged(tmp_path)._guard(list(_read(tmp_path)), None)
    assert guarded is None


def test_answers_of_a_drill_are_judged_by_nobody(tmp_path):
    log(tmp_path, {"stable": 0}, run="shop-1", n=3)
    log(tmp_path, {"stable": 0}, run="drill__release_home__nan-delayed__1-ramp-50", n=7)
    found = shown(tmp_path / "var" / "answers", "home", NIGHT + dt.timedelta(days=7))
    assert found.counts["read"] == 3 and len(found.by_night[NIGHT]) == 3


def _read(tmp_path):
    from include.serving.answer_log import read_answers

    return read_answers(tmp_path / "var" / "answers", "home", [NIGHT], "r")
