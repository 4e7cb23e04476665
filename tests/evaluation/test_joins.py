import datetime as dt
import json

import numpy as np
import pytest

from include.errors import Refused
from include.evaluation.answers import shown
from include.evaluation.joins import REFERENCE, rival_answers, rows_of, table_of
from include.evaluation.purchases import Purchases
from include.serving.answer_log import Answer, AnswerLog

NIGHT = dt.date(2017, 10, 22)
MATURE = dt.date(2017, 10, 29)


def answer(household: str, model: str = "m", **changes) -> Answer:
    values = {
        "request": f"r{household}{model}",
        "night": str(NIGHT),
        "surface": "home",
        "household": household,
        "arm": "stable",
        "model": model,
        "products": ["p1", "p2"],
        "scores": [0.2, 0.1],
        "ms": 1.0,
        "code": "OK",
        "day": "2017-10-23",
        "run": "r",
    }
    return Answer(**(values | changes))


def log(root, answers, run="r", night=NIGHT) -> None:
    with AnswerLog(root, "home", night, run) as out:
        for one in answers:
            out.write(one)


def test_an_answer_is_judged_when_its_seven_days_are_over_and_not_before(tmp_path):
    log(tmp_path, [answer("1"), answer("2")])
    before = shown(tmp_path, "home", MATURE - dt.timedelta(days=1))
    assert before.by_night == {} and before.waiting == {NIGHT: 2}
    assert len(shown(tmp_path, "home", MATURE).by_night[NIGHT]) == 2


def test_a_doubled_answer_counts_once_in_whatever_run_it_stands(tmp_path):
    log(tmp_path, [answer("1"), answer("1"), answer("1", "other")])
    log(tmp_path, [answer("1", arm="canary")], run="s")
    found = shown(tmp_path, "home", MATURE)
    assert [(one.household, one.model) for one in found.by_night[NIGHT]] == [("1", "m"), ("1", "other")]
    assert found.counts["doubled"] == 2


def test_what_was_judged_before_is_not_judged_again(tmp_path):
    log(tmp_path, [answer("1"), answer("2")])
    found = shown(tmp_path, "home", MATURE, [(str(NIGHT), "1", "m")])
    assert [one.household for one in found.by_night[NIGHT]] == ["2"]


def test_a_late_answer_is_judged_on_the_next_night(tmp_path):
    log(tmp_path, [answer("1")])
    log(tmp_path, [answer("9")], run="late")
    found = shown(tmp_path, "home", MATURE + dt.timedelta(days=1), [(str(NIGHT), "1", "m")])
    assert [one.household for one in found.by_night[NIGHT]] == ["9"]


def test_damaged_lines_are_counted_and_the_others_are_judged(tmp_path):
    log(tmp_path, [answer("1"), answer("2", products="p1"), answer("3", night="2017-10-21"), answer("4", code="UNAVAILABLE")])
    path = tmp_path / "home" / str(NIGHT) / "r.jsonl"
    with path.open("ab") as file:
        file.write(b'{"torn": \n\xff\xfe\n' + json.dumps({"request": 1}).encode() + b"\n[]\n")
    found = shown(tmp_path, "home", MATURE)
    assert [one.household for one in found.by_night[NIGHT]] == ["1"]
    assert dict(found.counts) == {"read": 8, "damaged": 6, "failed": 1, "waiting": 0}


def test_a_folder_that_is_no_night_is_left_alone(tmp_path):
    (tmp_path / "home" / "notes").mkdir(parents=True)
    (tmp_path / "home" / "notes" / "x.jsonl").write_text("{}\n")
    assert shown(tmp_path, "home", MATURE).counts["read"] == 0


def test_no_log_at_all_is_nothing_to_judge(tmp_path):
    assert shown(tmp_path, "home", MATURE).by_night == {}


def test_a_row_says_which_places_were_right():
    rows, without = rows_of(
        NIGHT,
        [answer("1"), answer("2"), answer("3")],
        {"1": {"p2", "p9", "rare"}, "2": {"rare"}},
        {"p1", "p2", "p9"},
        {"1": 40},
    )
    assert without == 2
    assert [(row["household"], row["right"], row["relevant"], row["known"]) for row in rows] == [("1", [False, True], 2, 40)]


def test_the_rivals_answer_the_same_households_from_what_was_known():
    # weeks count back from the night: household 0 bought product 0 last week, household 1 product 2 two weeks ago
    purchases = Purchases(np.array([0, 0, 1, 1]), np.array([0, 1, 2, 0]), np.array([0, -1, -1, 0]), (2, 4))
    universe = np.array([True, True, True, False])
    found = rival_answers(NIGHT, ["a", "b", "new"], purchases, ["a", "b"], ["p0", "p1", "p2", "p3"], universe)
    tops = {(one.model, one.household): one.products[0] for one in found}
    assert tops == {("popularity", "a"): "p0", ("popularity", "b"): "p0", ("recency", "a"): "p0", ("recency", "b"): "p0"}
    assert all(one.arm == REFERENCE and "p3" not in one.products for one in found)


def test_equal_rows_give_equal_bytes_in_any_order():
    rows, _ = rows_of(NIGHT, [answer("1"), answer("2")], {"1": {"p1"}, "2": {"p1"}}, {"p1"}, {})
    assert table_of(rows).equals(table_of(rows[::-1]))


@pytest.fixture
def job(tmp_path, monkeypatch):
    from include.jobs.join_outcomes import JoinOutcomes

    monkeypatch.setenv("NIGHTFILL_VAR", str(tmp_path / "var"))
    fields = {"store": str(tmp_path / "store"), "work": tmp_path / "work", "surface": "home", "night": str(MATURE)}
    return lambda **changes: JoinOutcomes(**(fields | changes)).run()


def test_nothing_matured_is_an_empty_partition_twice_the_same(job, tmp_path):
    from include.evaluation.judged import read_judged
    from include.store.objects import FolderStore

    log(tmp_path / "var" / "answers", [answer("1", night="2017-10-25")], night=dt.date(2017, 10, 25))
    found = job()
    assert found["counts"]["judged"] == 0 and found["waiting"] == {"2017-10-25": 1}
    assert job() == found
    assert len(read_judged(FolderStore(tmp_path / "store"), "home", MATURE)) == 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"surface": "cellar"}, "no surface"),
        ({"night": "29.10.2017"}, "not a date"),
        ({"night": "2031-01-01"}, "outside the data"),
    ],
)
def test_bad_input_is_refused_in_words(job, changes, words):
    with pytest.raises(Refused, match=words):
        job(**changes)
