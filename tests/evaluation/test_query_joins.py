"""Answers to queries: judged by the meant type, paired by household and query, and told by the way of asking."""

import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from include.evaluation import judged
from include.evaluation.answers import shown
from include.evaluation.joins import QUERY_SCHEMA, SCHEMA, rows_of, schema_of, table_of
from include.evaluation.measures import Judged, by_night, serving
from include.evaluation.purchases import Purchases
from include.evaluation.query_joins import rival_answers
from include.evaluation.searchers import Catalogue, searchers
from include.features.queries import ask
from include.jobs.judge_shadow import _ndcg, _of_type
from include.serving.answer_log import Answer, AnswerLog, read_answers
from include.store.objects import FolderStore
from include.store.partitions import publish

NIGHT = dt.date(2017, 10, 22)
MATURE = NIGHT + dt.timedelta(days=7)
PLAIN = {"p1": "green tea", "p2": "green tea", "p3": "dog food", "p4": ""}


def answer(household: str, meant: str = "green tea", query: str = "", **changes) -> Answer:
    values = {
        "request": f"r{household}{query}",
        "night": str(NIGHT),
        "surface": "search",
        "household": household,
        "arm": "stable",
        "model": "m" * 16,
        "products": ["p1", "p3", "p2"],
        "scores": [3.0, 2.0, 1.0],
        "ms": 1.0,
        "code": "OK",
        "day": "2017-10-23",
        "run": "r",
        "query": query or meant,
        "meant": meant,
    }
    return Answer(**(values | changes))


def rows(answers, bought):
    return rows_of(NIGHT, answers, bought, set(PLAIN), {}, PLAIN)


def test_only_products_of_the_meant_type_are_right():
    found, without = rows([answer("1"), answer("1", "dog food"), answer("2")], {"1": {"p1", "p2", "p3"}, "2": {"p3"}})
    assert without == 1
    assert [(row["meant"], row["right"], row["relevant"]) for row in found] == [
        ("green tea", [True, False, True], 2),
        ("dog food", [False, True, False], 1),
    ]
    assert [row["type_first"] for row in found] == [True, False]


def test_an_answer_without_a_meant_type_has_nothing_to_be_judged_by():
    assert rows([answer("1", meant="", query="anything")], {"1": {"p4", "p1"}}) == ([], 1)


def test_the_way_of_asking_is_a_column():
    queries = {
        way: ask(way, "green tea", "WARM DRINKS") for way in ("plain", "one_edit", "half_word", "other_order", "category")
    }
    found, _ = rows([answer("1", query=query) for query in queries.values()], {"1": {"p1"}})
    assert [row["variant"] for row in found] == list(queries)


def test_two_questions_of_a_household_are_two_answers_and_a_repeated_one_is_not(tmp_path):
    with AnswerLog(tmp_path, "search", NIGHT, "r") as out:
        for one in (answer("1"), answer("1", "dog food"), answer("1")):
            out.write(one)
    found = shown(tmp_path, "search", MATURE)
    assert [one.query for one in found.by_night[NIGHT]] == ["green tea", "dog food"]
    assert found.counts["doubled"] == 1
    known = [(str(NIGHT), "1", "m" * 16, "green tea")]
    assert [one.query for one in shown(tmp_path, "search", MATURE, known).by_night[NIGHT]] == ["dog food"]


def test_a_log_from_before_there_were_queries_is_read(tmp_path):
    with AnswerLog(tmp_path, "home", NIGHT, "r") as out:
        out.write(answer("1", surface="home"))
    path = tmp_path / "home" / str(NIGHT) / "r.jsonl"
    path.write_text(path.read_text().replace(',"query":"green tea","meant":"green tea"', ""))
    assert [(one.query, one.meant) for one in read_answers(tmp_path, "home", [NIGHT])] == [("", "")]


def test_homes_judged_rows_have_the_columns_that_they_had():
    assert schema_of("home") is SCHEMA and schema_of("search") is QUERY_SCHEMA
    assert SCHEMA.names == [
        *("night", "household", "model", "arm", "run", "day", "products", "right", "relevant", "known"),
    ]


def test_the_rivals_are_told_the_type_and_keep_to_it():
    purchases = Purchases(np.array([0, 0, 1, 1, 1]), np.array([0, 2, 1, 1, 2]), np.array([0, -1, 0, -1, 0]), (2, 4))
    universe, words = np.array([True, True, True, False]), np.array(list(PLAIN.values()), object)
    asked = [answer("a", query="gren tea"), answer("b", "dog food"), answer("new"), answer("a", "no such type")]
    found = rival_answers(NIGHT, asked, purchases, ["a", "b"], list(PLAIN), universe, words)
    tops = {(one.model, one.household, one.query): one.products for one in found}
    assert tops["recency", "a", "gren tea"] == ["p1", "p2"]
    assert tops["recency", "b", "dog food"] == tops["popularity", "b", "dog food"] == ["p3"]
    assert set(tops["recency", "new", "green tea"]) == {"p1", "p2"}
    assert tops["popularity", "a", "no such type"] == []


class Clock:
    def baskets_of(self, day):
        return {"a": ["p4", "p1", "p2", "p3"], "b": []} if day == NIGHT else {"a": ["p3"], "c": ["p3", "p9"]}


def test_searchers_ask_a_few_types_of_their_first_day_the_same_every_time():
    catalogue = Catalogue(list(PLAIN), ["GREEN TEA", "GREEN TEA", "DOG FOOD", None], ["TEA", "TEA", "PETS", None])
    days = [NIGHT, NIGHT + dt.timedelta(days=1)]
    found = searchers(Clock(), days, catalogue)
    assert [(one.household, one.meant) for one in found] == [("a", "green tea"), ("a", "dog food"), ("c", "dog food")]
    assert all(one.query for one in found)
    assert found == searchers(Clock(), days, catalogue)
    assert [one.meant for one in searchers(Clock(), days, catalogue, limit=1)] == ["green tea", "dog food"]


def test_shadow_is_judged_by_question_and_averaged_by_household():
    both = [answer("1"), answer("1", "dog food"), answer("2", "dog food")]
    right = _of_type(both, {"1": {"p1", "p2", "p3"}, "2": {"p1"}}, PLAIN)
    found = _ndcg(both, "stable", right)
    assert set(found) == {"1"}
    first, second = (1 + 1 / np.log2(4)) / (1 + 1 / np.log2(3)), 1 / np.log2(3)
    assert found["1"] == pytest.approx((first + second) / 2)


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    """A night on which 20 households asked two questions each, and the rivals' answers."""
    mine, theirs = [], []
    for i in range(20):
        for meant, query in (("green tea", "gren tea"), ("dog food", "dog food")):
            mine.append(answer(f"h{i}", meant, query))
            theirs += [answer(f"h{i}", meant, query, model=name, arm="reference") for name in ("popularity", "recency")]
    found, _ = rows(mine + theirs, {f"h{i}": {"p1", "p3"} for i in range(20)})
    table = table_of(found, QUERY_SCHEMA)
    made = FolderStore(tmp_path / "store")
    files = {"judged.parquet": judged.write(table, tmp_path / "judged.parquet")}
    about = {"rows": len(table), "columns": {}, "inputs": {}, "spec": "", "transform": "t"}
    publish(made, judged.dataset("search"), MATURE, files, meta={"universe": {str(NIGHT): 4}}, **about)
    return made


def test_measures_pair_questions_and_tell_the_right_type_by_way_of_asking(store: FolderStore):
    table = Judged(judged.read_judged(store, "search", MATURE), {str(NIGHT): 4})
    assert len(table.table) == 120
    found = serving(table)
    assert found is not None
    assert found["figures"]["answers"] == 40 and found["against"]["recency"]["value"] == 0.0
    assert found["figures"]["type@1"]["value"] == 0.5
    ways = {one["name"]: one for one in found["variants"]}
    assert ways["one_edit" if ask("one_edit", "green tea", "") == "gren tea" else "category"]["type@1"]["value"] == 1.0
    assert ways["plain"]["type@1"]["value"] == 0.0 and ways["plain"]["answers"] == 20
    assert ways["other_order"]["answers"] == 0
    assert by_night(table)[0]["rankers"]["recency"]["type@1"]["value"] == 0.5


def test_the_report_calls_the_queries_synthetic(store: FolderStore, tmp_path, monkeypatch):
    from include.jobs.measure_night import MeasureNight
    from include.jobs.write_report import WriteReport

    monkeypatch.setenv("NIGHTFILL_VAR", str(tmp_path / "var"))
    fields = {"store": str(tmp_path / "store"), "work": tmp_path / "work", "surface": "search", "night": str(MATURE)}
    MeasureNight(**fields).run()
    (tmp_path / "work" / "joined.json").write_text('{"surface": "home", "counts": {"damaged": 77}}')
    WriteReport(**fields).run()
    page = next((tmp_path / "var" / "reports").glob("2*/index.html")).read_text()
    assert "77 lines" not in page, "the counts of another surface"
    assert "synthetic query" in page and "Right type first" in page and "the type&#39;s words" in page
