import json
import threading
from dataclasses import replace

from include.rollout import evidence
from include.rollout.evidence import gaps, look, see, weight_at
from include.rollout.record import Shift
from include.rollout.steps import Action, Do, open_step, opened
from include.rollout.verdict import Kind
from include.serving.answer_log import Answer, AnswerLog
from include.serving.attempts import Attempt
from tests.rollout.test_steps import NIGHT, fresh

SHIFTS = [Shift(at=10.0, weight=5, live=10.5), Shift(at=20.0, weight=25, live=20.5)]


def attempt(t: float, request: str, arm: str = "canary", code: int = 200, n: int = 1, us: int | None = 4000) -> Attempt:
    return Attempt(t, "home", f"h{request}", request, f"{arm}_grpc", arm, code, 0, "" if code == 200 else "UF", n, us)


def answer(request: str, arm: str = "canary", **changes) -> Answer:
    values = {"products": ["p1"], "scores": [0.5], "ms": 4.0, "code": "OK", "day": "2017-10-23", "run": "ramp"}
    return Answer(
        request=request,
        night=str(NIGHT),
        surface="home",
        household=f"h{request}",
        arm=arm,
        model="b" * 16,
        **(values | changes),
    )


def test_the_weight_of_a_request_is_the_one_that_held_when_it_began():
    assert weight_at(SHIFTS, 9.0) is None
    assert weight_at(SHIFTS, 10.3) is None
    assert weight_at(SHIFTS, 11.0) == 5
    assert weight_at(SHIFTS, 20.2) is None
    assert weight_at(SHIFTS, 25.0) == 25
    assert weight_at([Shift(at=10.0, weight=5)], 11.0) is None


def test_an_error_that_a_retry_hid_is_seen():
    tries = [attempt(11, "1", "canary", code=503, us=None), attempt(11, "1", "stable", n=2)]
    found = see(tries, [answer("1", arm="stable")], SHIFTS)
    assert [(one.arm, one.failed) for one in found] == [("canary", True)]


def test_a_replica_that_says_nothing_in_time_is_slow_and_one_that_refuses_is_wrong():
    late = replace(attempt(11, "1", code=0, us=None), flags="UT")
    refused = replace(attempt(11, "2", code=503, us=None), flags="UF")
    assert [one.silent for one in see([late, refused], [], SHIFTS)] == [True, False]
    assert all(one.failed for one in see([late, refused], [], SHIFTS))


def test_nan_and_empty_answers_are_seen_at_the_arm_that_gave_them():
    tries = [attempt(11, "1"), attempt(12, "2"), attempt(13, "3", "stable")]
    answers = [answer("1", scores=[float("nan")]), answer("2", products=["", ""]), answer("3", "stable")]
    assert [(one.bad, one.empty) for one in see(tries, answers, SHIFTS)] == [(True, False), (False, True), (False, False)]


def test_the_shadow_and_the_time_before_the_ramp_are_left_out():
    assert see([attempt(11, "1", "shadow"), attempt(5, "2"), attempt(20.1, "3")], [], SHIFTS) == []


def test_answers_without_an_attempt_are_a_gap():
    assert gaps([attempt(11, "1")], [answer("1")]) == []
    assert "1 of 2 answers" in gaps([attempt(11, "1")], [answer("1"), answer("2")])[0]


def lines(n: int, failing: bool) -> str:
    rows = []
    for i in range(n):
        arm = "canary" if i % 4 == 0 else "stable"
        code = 503 if failing and arm == "canary" else 200
        rows.append(
            {
                "t": f"{11 + i / 100:.6f}",
                "surface": "home",
                "path": "/tensorflow.serving.PredictionService/Predict",
                "household": f"h{i}",
                "request_id": str(i),
                "cluster": f"{arm}_grpc",
                "replica": arm,
                "code": code,
                "grpc": 0 if code == 200 else 14,
                "flags": None,
                "attempt": 1,
                "us": 4000,
            }
        )
    return "".join(json.dumps(row) + "\n" for row in rows)


def record():
    return opened(open_step(fresh(), Action(do=Do.RAMP, weight=25), 10.0), 10.5)


def test_the_files_of_a_ramp_give_its_verdict(tmp_path):
    log = tmp_path / "attempts.jsonl"
    assert look(record(), log, tmp_path, "ramp").kind is Kind.HOLD
    log.write_text(lines(200, failing=False) + "{torn")
    assert look(record(), log, tmp_path, "ramp").kind is Kind.ADVANCE
    log.write_text(lines(200, failing=True))
    assert look(record(), log, tmp_path, "ramp").kind is Kind.ROLL_BACK


def test_the_last_lines_of_a_finished_replay_are_waited_for(tmp_path):
    with AnswerLog(tmp_path, "home", NIGHT, "ramp") as out:
        for i in range(200):
            out.write(answer(str(i)))
    log = tmp_path / "attempts.jsonl"
    log.write_text(lines(150, failing=False))
    later = threading.Timer(0.4, log.write_text, [lines(200, failing=False)])
    later.start()
    assert look(record(), log, tmp_path, "ramp", over=True).kind is Kind.ADVANCE
    later.join()


def test_a_finished_replay_whose_attempts_are_lost_holds(tmp_path, monkeypatch):
    monkeypatch.setattr(evidence, "PATIENCE", 0.3)
    with AnswerLog(tmp_path, "home", NIGHT, "ramp") as out:
        for i in range(200):
            out.write(answer(str(i)))
    log = tmp_path / "attempts.jsonl"
    log.write_text(lines(150, failing=False))
    assert look(record(), log, tmp_path, "ramp").kind is Kind.ADVANCE
    verdict = look(record(), log, tmp_path, "ramp", over=True)
    assert verdict.kind is Kind.HOLD and "50 of 200 answers" in verdict.reason
