"""What every DAG promises to a data engineer, read off the DAGs themselves."""

import re

import pytest

from include import recipes
from include.tuning.rounds import ROUNDS
from nightfill.dag_docs import PAGE, load_dags, render
from nightfill.defaults import Pool, Tag

DAGS = load_dags()
EXPECTED = (
    {"build_features", "replay_shoppers", "evaluate_nightly", "tidy_store"}
    | {f"{verb}_{surface}" for verb in ("start", "train", "release", "rollback") for surface in recipes.surfaces()}
    | {f"tune_{surface}" for surface in recipes.surfaces() if recipes.searchable(surface)}
)


def test_the_folder_holds_exactly_these_dags():
    assert set(DAGS) == EXPECTED


def test_the_page_in_docs_is_what_the_dags_say():
    assert PAGE.read_text() == render(DAGS)


@pytest.mark.parametrize("dag", DAGS.values(), ids=DAGS)
def test_a_dag_is_a_document_and_only_features_run_beside_each_other(dag):
    assert dag.doc_md.strip().startswith("### ")
    assert not dag.catchup and dag.max_active_runs == (4 if dag.dag_id == "build_features" else 1)
    assert set(dag.tags) & set(Tag), "a tag of the closed list"


@pytest.mark.parametrize("dag", DAGS.values(), ids=DAGS)
def test_every_task_has_an_owner_retries_and_a_limit(dag):
    for task in dag.tasks:
        assert re.fullmatch(r"[a-z]+(_[a-z]+)+", task.task_id), task.task_id
        assert task.owner == "nightfill" and task.retries >= 1 and task.execution_timeout
        assert task.pool in {"default_pool", *Pool}


@pytest.mark.parametrize("dag", DAGS.values(), ids=DAGS)
def test_every_parameter_is_typed_and_described(dag):
    for name in dag.params:
        param = dag.params.get_param(name)
        assert param.description and param.schema.get("type"), name


def test_features_are_nightly_backfillable_and_never_fire_by_themselves():
    dag = DAGS["build_features"]
    assert dag.timetable.expression == "0 5 * * *" and dag.end_date.year == 2017


def test_tidying_is_scheduled_and_never_fires_on_recorded_nights():
    dag = DAGS["tidy_store"]
    assert dag.timetable.expression == "0 12 * * *" and dag.end_date == DAGS["build_features"].end_date


def test_a_plan_costs_an_ordinary_run_no_task_and_a_planned_run_computes_nothing():
    dag = DAGS["build_features"]
    plan, land = dag.get_task("plan_features"), dag.get_task("land_events")
    assert plan.trigger_rule == "all_skipped" and plan.upstream_task_ids == {"land_events"} and not plan.outlets
    assert "plan_only" in str(land.unless) and dag.params["plan_only"] is False
    for task in dag.tasks:
        assert task is plan or task is land or task.trigger_rule == "all_success", "what follows a skipped landing is skipped"


def test_a_day_of_which_too_much_came_late_asks_to_be_reopened_and_starts_nothing():
    land = DAGS["build_features"].get_task("land_events")
    asset, extra = land.describe({"last": "2017-03-02", "reopen": {"2017-03-01": 0.02}}, {})
    assert asset.uri == "x-nightfill://events/reopen"
    assert extra == {"night": "2017-03-02", "shares": {"2017-03-01": 0.02}}
    assert land.describe({"last": "2017-03-02", "reopen": {}}, {}) is None
    assert land.describe({"last": "2017-03-02"}, {}) is None
    assert not any(asset.uri in str(getattr(dag.timetable, "asset_condition", "")) for dag in DAGS.values())


def test_a_search_has_the_rounds_that_its_jobs_count_on_and_trials_are_mapped_one_model_at_a_time():
    tasks = DAGS["tune_home"].tasks
    mapped = [task for task in tasks if task.is_mapped]
    assert len(mapped) == ROUNDS and {task.pool for task in mapped} == {Pool.GPU}
    assert [task.spec["number"] for task in tasks if task.task_id.startswith("suggest_")] == list(range(1, ROUNDS + 1))
    after = [task for task in tasks if not task.is_mapped and task.task_id != "assemble_trials"]
    assert {task.trigger_rule for task in after} == {"none_failed"}, (
        "a round of ended trials is skipped, and the search goes on"
    )


def test_no_training_uses_tuned_values_unasked():
    for surface in recipes.surfaces():
        dag = DAGS[f"train_{surface}"]
        assert dag.params["tuned"] is False
        assert [task.task_id for task in dag.tasks if "tuned" in task.spec] == ["assemble_examples"]
