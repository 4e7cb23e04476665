import datetime as dt
import threading
import time

import numpy as np
import pytest

from include.evaluation.replay import Plan, Replay, ranked
from include.evaluation.shoppers import Shopper, questions, shoppers
from include.serving.answer_log import AnswerLog, read_answers
from include.serving.predict import Reply

NIGHT = dt.date(2017, 10, 22)
DAY = dt.date(2017, 10, 23)


class Shop:
    """A gateway: canary for even households, some fail, the shadow is slow."""

    def __init__(self, fails: str = "", shadow_seconds: float = 0.0, silent: int = 0) -> None:
        self.fails, self.shadow_seconds, self.silent = fails, shadow_seconds, silent
        self.asked: list[tuple[str, str]] = []
        self.lock = threading.Lock()

    def predict(self, surface, inputs, *, household, request_id, arm=""):
        if arm:
            time.sleep(self.shadow_seconds)
        with self.lock:
            self.asked.append((household, arm))
            if arm and self.silent:
                self.silent -= 1
                return Reply("UNAVAILABLE")
        if household == self.fails and not arm:
            return Reply("UNAVAILABLE", detail="down")
        outputs = {
            "product": np.array([["p1", "p2", ""]], object),
            "score": np.array([[0.9, 0.5, -1e9]], np.float32),
            "model": np.array(["b" * 16], object),
        }
        return Reply("OK", outputs, {"x-nightfill-arm": "canary" if int(household) % 2 == 0 else "stable"})


def asked(n: int) -> list:
    return [(Shopper(str(i), DAY), {}) for i in range(n)]


def replay(tmp_path, shop, n=40, stop=lambda: False, **how) -> tuple[Replay, list]:
    with AnswerLog(tmp_path, "home", NIGHT, "r") as out:
        one = Replay(Plan("home", NIGHT, "r", **how), shop, out, stop)
        one.run(asked(n), n)
    return one, list(read_answers(tmp_path, "home", [NIGHT]))


def test_every_shopper_is_asked_once_and_logged_under_the_arm_that_answered(tmp_path):
    one, answers = replay(tmp_path, Shop())
    assert sorted(int(answer.household) for answer in answers) == list(range(40))
    assert {answer.arm for answer in answers if int(answer.household) % 2 == 0} == {"canary"}
    assert len({answer.request for answer in answers}) == 40
    assert answers[0].products == ["p1", "p2"] and answers[0].day == "2017-10-23"
    assert one.traffic.count("stable", "canary") == 40


def test_a_request_without_an_answer_is_counted_and_logged(tmp_path):
    one, answers = replay(tmp_path, Shop(fails="7"))
    lost = [answer for answer in answers if answer.code != "OK"]
    assert [(answer.household, answer.arm, answer.products) for answer in lost] == [("7", "nobody", [])]
    assert one.traffic.failed("stable", "canary", "nobody") == 1


def test_the_shadow_is_asked_after_the_shopper_and_waited_for(tmp_path):
    shop = Shop(shadow_seconds=0.01)
    one, answers = replay(tmp_path, shop, shadow=True)
    assert sum(answer.arm == "shadow" for answer in answers) == 40 and one.dropped == 0
    for household in map(str, range(40)):
        assert shop.asked.index((household, "")) < shop.asked.index((household, "shadow"))


def test_a_slow_shadow_drops_questions_and_keeps_no_shopper_waiting(tmp_path):
    began = time.monotonic()
    one, answers = replay(tmp_path, Shop(shadow_seconds=0.2), n=60, shadow=True, queue=4, shadow_workers=1, rate=1000.0)
    assert one.dropped > 40
    assert one.dropped + sum(answer.arm == "shadow" for answer in answers) == 60
    assert sum(answer.arm != "shadow" for answer in answers) == 60
    assert time.monotonic() - began < 4


def test_a_slow_shadow_misses_nothing_where_nobody_comes_at_a_given_moment(tmp_path):
    one, answers = replay(tmp_path, Shop(shadow_seconds=0.01), n=300, shadow=True, queue=40, shadow_workers=1)
    assert one.dropped == 0 and sum(answer.arm == "shadow" for answer in answers) == 300


def test_a_replay_whose_shadow_breaks_ends_with_its_error(tmp_path):
    class Broken(Shop):
        def predict(self, *args, arm="", **named):
            if arm == "shadow":
                raise RuntimeError("no listening")
            return super().predict(*args, arm=arm, **named)

    with pytest.raises(RuntimeError, match="no listening"):
        replay(tmp_path, Broken(), n=300, shadow=True, queue=40, shadow_workers=2)


def test_the_shadow_is_asked_again_when_nothing_came_back(tmp_path):
    one, _ = replay(tmp_path, Shop(silent=2), n=4, shadow=True, shadow_workers=1)
    assert one.retried == 2 and one.traffic.failed("shadow") == 0


def test_a_replay_that_is_told_to_stop_stops(tmp_path):
    _, answers = replay(tmp_path, Shop(), n=1000, stop=lambda: True)
    assert answers == []


def test_the_rate_is_kept(tmp_path):
    began = time.monotonic()
    replay(tmp_path, Shop(), n=20, rate=50.0)
    assert time.monotonic() - began >= 0.38


def test_an_error_in_a_worker_is_not_lost(tmp_path):
    class Broken(Shop):
        def predict(self, *args, **named):
            raise ValueError("broken client")

    with pytest.raises(ValueError, match="broken client"):
        replay(tmp_path, Broken())


def test_an_answer_without_its_outputs_is_empty():
    assert ranked(Reply("OK", {"score": np.zeros((1, 3))})) == ([], [], "")


class Clock:
    def households_of(self, day):
        return {DAY: ["b", "a"], DAY + dt.timedelta(days=1): ["a", "c"]}[day]


class View:
    def household_inputs(self, households, slots):
        b = len(households)
        product = np.full((b, 3), -1, np.int32)
        product[0, :2] = 5
        return {
            "history_product": product,
            "history_features": np.zeros((b, 3, 4), np.float32),
            "household_features": np.arange(b * 2, dtype=np.float32).reshape(b, 2),
        }


def test_a_household_comes_once_on_its_first_day():
    found = shoppers(Clock(), [DAY, DAY + dt.timedelta(days=1)])
    assert [(one.household, (one.day - DAY).days) for one in found] == [("b", 0), ("a", 0), ("c", 1)]


def test_a_question_is_a_batch_of_one_with_the_slots_it_fills():
    found = list(questions(View(), shoppers(Clock(), [DAY]), 384))
    assert [one["history_product"].shape for _, one in found] == [(1, 2), (1, 1)]
    assert found[1][1]["household_features"].tolist() == [[2.0, 3.0]]
    assert found[0][1]["exclude_bought"].tolist() == [False]


def test_a_shopper_with_a_query_types_it_and_is_logged_with_it(tmp_path):
    found = list(
        questions(View(), [Shopper("b", DAY, "gren tea", "green tea"), Shopper("a", DAY, "tea", "tea")], 384, query=True)
    )
    assert [one["query"].tolist() for _, one in found] == [["gren tea"], ["tea"]]
    with AnswerLog(tmp_path, "search", NIGHT, "r") as out:
        Replay(Plan("search", NIGHT, "r"), Shop(), out).run([(Shopper("2", DAY, "gren tea", "green tea"), {})], 1)
    assert [(one.query, one.meant) for one in read_answers(tmp_path, "search", [NIGHT])] == [("gren tea", "green tea")]


def test_nobody_searches_for_nothing():
    with pytest.raises(ValueError, match="without one"):
        next(questions(View(), shoppers(Clock(), [DAY]), 384, query=True))
