"""The summary is true: every figure in it can be computed by hand from what the nights left behind."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from include.cli import show
from include.cli.facts import count_rows, read_reports, release
from include.cli.plan import Calendar, calendar, plan
from include.cli.summary import Facts, overhead_ratio, summarise, union_seconds
from include.rollout.record import Record, Step
from include.rollout.verdict import Kind
from include.settings import SourceSpec
from include.store.objects import FolderStore
from include.store.partitions import publish

ZERO = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
MEASURES = {"ndcg@10": 0.2, "recall@20": 0.3, "hit_rate@10": 0.5, "coverage": 0.1}

RECORD = Record(
    surface="home",
    release="recorded__release_home__2017-10-22",
    night=dt.date(2017, 10, 22),
    first=dt.date(2017, 10, 23),
    last=dt.date(2017, 10, 29),
    stable=None,
    candidate_version=1,
    candidate="0123456789abcdef",
    salt="s",
    margin=0.02,
    weights=(100,),
    minimum=30,
    steps=(Step(name="ramp-100", weight=100, verdict=Kind.ADVANCE, reason="no harm", figures={"x": 1}, requests=7),),
    verdict=Kind.PROMOTE,
    reason="better",
)


def at(seconds: float) -> str:
    return (ZERO + dt.timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def unix(seconds: float) -> float:
    return ZERO.timestamp() + seconds


def facts() -> Facts:
    """Each DAG run takes 10 s with one job of 8 s in its middle; runs follow each other after 2 s."""
    dates: Calendar = calendar(SourceSpec(), nights=1)
    runs: dict[tuple[str, str], Any] = {}
    reports: dict[tuple[str, str, str], Any] = {}
    for number, step in enumerate(plan(dates)):
        begin = number * 12.0
        runs[step.dag_id, step.run_id] = {
            "run": {
                "dag_id": step.dag_id,
                "dag_run_id": step.run_id,
                "state": "success",
                "start_date": at(begin),
                "end_date": at(begin + 10),
            },
            "tasks": [{"task_id": "work", "state": "success", "start_date": at(begin + 1), "end_date": at(begin + 9)}],
        }
        results: dict[str, Any] = {"work": {}}
        if step.dag_id == "train_home":
            results["judge_candidate"] = {"metrics": MEASURES, "baselines": {"popularity": MEASURES, "item_knn": MEASURES}}
            results["compress_model"] = {
                "fp32_bytes": 100,
                "bytes": 30,
                "ndcg_change": -0.001,
                "latency_ratio": 0.98,
                "chosen": "int8",
                "more": 1,
            }
        if step.dag_id == "evaluate_nightly":
            results["write_report"] = {"report": f"var/reports/{step.conf['dt']}.html", "address": "http"}
        for task, result in results.items():
            reports[step.dag_id, step.run_id, task] = {
                "ok": True,
                "started": unix(begin + 1),
                "ended": unix(begin + 9),
                "result": result,
            }
    releases = [release(RECORD)]
    return Facts(dates=dates, runs=runs, reports=reports, rows={"events": 3}, releases=releases, install=30.0, stack_start=20.0)


def test_overhead_is_the_part_of_the_window_in_which_no_job_ran() -> None:
    summary = summarise(facts())
    runs = len(plan(calendar(SourceSpec(), nights=1)))
    window = runs * 12 - 2
    assert summary["overhead_ratio"] == round(1 - runs * 8 / window, 4)
    assert summary["seconds"]["dag_runs"] == window
    assert summary["seconds"]["all"] == window + 30 + 20


def test_seconds_of_a_stage_are_the_sum_of_its_runs() -> None:
    seconds = summarise(facts())["seconds"]
    assert (seconds["history"], seconds["first model"], seconds["nights"]) == (10.0, 30.0, 30.0)
    assert (seconds["install"], seconds["stack_start"]) == (30.0, 20.0)


def test_the_summary_has_every_field_that_was_promised() -> None:
    summary = summarise(facts())
    assert set(summary) == {"night", "dag_runs", "rows", "surfaces", "seconds", "overhead_ratio"}
    assert summary["night"] == "2017-10-30"
    assert summary["dag_runs"][0]["tasks"] == [{"task_id": "work", "state": "success", "seconds": 8.0}]
    home = summary["surfaces"]["home"]
    assert home["metrics"] == MEASURES
    assert set(home["baselines"]) == {"popularity", "item_knn"}
    assert home["compression"] == {
        "fp32_bytes": 100,
        "bytes": 30,
        "ndcg_change": -0.001,
        "latency_ratio": 0.98,
        "chosen": "int8",
    }
    assert home["releases"][0]["verdict"] == "PROMOTE"
    assert set(home["releases"][0]) >= {"stable", "candidate", "verdict", "reason", "steps", "requests", "failed_requests"}
    assert home["releases"][0]["requests"] == 7
    assert "figures" not in home["releases"][0]["steps"][0]
    assert home["evaluation"]["report"].endswith("2017-11-06.html")


def test_a_surface_with_queries_shows_every_way_of_asking() -> None:
    found = facts()
    key = next(key for key in found.reports if key[2] == "judge_candidate")
    way = {"metrics": MEASURES | {"type@1": 0.875}, "wrong": 0}
    asked = found.reports[key]["result"] | {"variants": {"plain": way, "one_edit": way}}
    summary = summarise(found.model_copy(update={"reports": {key: found.reports[key] | {"result": asked}}}))
    assert summary["surfaces"]["home"]["variants"]["one_edit"] == {"ndcg@10": 0.2, "type@1": 0.875}
    shown = show.render(summary)
    assert "one_edit" in shown and "0.875" in shown


def test_jobs_of_other_runs_and_outside_the_window_do_not_count() -> None:
    made = facts()
    reports = dict(made.reports)
    reports["build_features", "by_hand", "work"] = {"ok": True, "started": unix(0), "ended": unix(1000), "result": {}}
    assert summarise(made.model_copy(update={"reports": reports})) == summarise(made)


def test_a_run_that_was_never_asked_for_is_not_in_the_summary() -> None:
    made = facts()
    key = next(reversed(made.runs))
    runs = {k: v for k, v in made.runs.items() if k != key}
    assert key[1] not in [run["run_id"] for run in summarise(made.model_copy(update={"runs": runs}))["dag_runs"]]


def test_overlapping_jobs_count_once() -> None:
    assert union_seconds([(0, 4), (2, 6), (5, 5.5), (8, 20)], (0, 10)) == 8
    assert union_seconds([(-5, 1), (9, 30)], (0, 10)) == 2
    assert overhead_ratio([], (0, 10)) == 1.0
    assert overhead_ratio([(0, 10)], (0, 0)) == 0.0


def test_the_table_shows_models_verdicts_and_time() -> None:
    text = show.render(summarise(facts()))
    for words in ("history", "popularity", "0.2000", "PROMOTE - better (7 requests, 0 failed)", "int8 (30% of the bytes"):
        assert words in text


def test_rows_are_counted_over_all_nights(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    for day, rows in ((1, 10), (2, 5)):
        publish(
            store, "events", dt.date(2017, 1, day), {}, rows=rows, columns={}, inputs={"day": str(day)}, spec="", transform="1"
        )
    assert count_rows(store) == {"events": 15}


def test_specs_beside_the_reports_are_not_reports(tmp_path: Path) -> None:
    folder = tmp_path / "train_home" / "recorded__x"
    folder.mkdir(parents=True)
    (folder / "train_model.json").write_text(json.dumps({"ok": True}))
    (folder / "train_model.spec.json").write_text("{}")
    assert list(read_reports(tmp_path)) == [("train_home", "recorded__x", "train_model")]


@pytest.mark.parametrize("missing", ["judge_candidate", "compress_model", "write_report"])
def test_a_job_that_has_not_run_leaves_empty_figures_and_no_error(missing: str) -> None:
    made = facts()
    reports = {key: value for key, value in made.reports.items() if key[2] != missing}
    show.render(summarise(made.model_copy(update={"reports": reports})))
