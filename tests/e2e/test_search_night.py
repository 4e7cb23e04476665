"""A whole night of the surface search on a mini shop: start, train, release, replay, report, through Airflow's scheduler."""

import json

import pytest

from tests.e2e.shop import Shop

pytestmark = pytest.mark.long

SHOP = {"households": 300, "first": "2017-05-01"}
VERDICTS = {"PROMOTE", "HOLD", "ROLL_BACK", "REFUSE"}


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    shop = Shop(tmp_path_factory.mktemp("shop"), SHOP)
    try:
        yield shop, shop.call("run", "--surface", "search", seconds=1800)
    finally:
        shop.call("stop")


def test_the_night_of_search_ends_well(night):
    shop, run = night
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-1000:]
    summary = shop.summary()
    assert set(summary["surfaces"]) == {"search"}
    assert {one["state"] for one in summary["dag_runs"]} == {"success"}
    assert {one["dag_id"] for one in summary["dag_runs"]} >= {"start_search", "train_search", "release_search"}


def test_the_gates_measured_every_way_of_asking(night):
    shop, _ = night
    reports = sorted((shop.var / "run" / "jobs" / "train_search").glob("*/judge_candidate.json"))
    gates = json.loads(reports[0].read_text())["result"]
    assert gates["variants"]["plain"]["type@1"]["value"] > 0.9
    assert gates["verdict"] in ("ADVANCE", "REFUSE") and gates["reason"]


def test_its_releases_came_to_honest_ends_and_cost_nobody_an_answer(night):
    releases = night[0].summary()["surfaces"]["search"]["releases"]
    assert all(one["verdict"] in VERDICTS and one["reason"] and one["failed_requests"] == 0 for one in releases)


def test_the_answers_of_the_night_were_to_queries(night):
    shop, _ = night
    lines = [json.loads(line) for path in (shop.var / "answers" / "search").glob("*/*.jsonl") for line in path.open()]
    assert lines and all(line["query"] and line["meant"] for line in lines)
    assert not (shop.var / "answers" / "home").exists()


def test_the_report_calls_the_queries_synthetic(night):
    page = night[0].report()
    assert "search" in page and "synthetic" in page
