"""A task that was not asked for is skipped before its job starts."""

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from nightfill.operators import job
from nightfill.operators.job import JobOperator


class Task:
    dag_id, run_id, task_id = "d", "r", "t"


class Hook:
    """Stands in for JobHook: no process."""

    work = "w"

    def __init__(self, **names):
        self.names = names

    def run(self, spec):
        return {"spec": spec}


@pytest.mark.parametrize("unless", [True, "True", "true"])
def test_a_task_that_is_not_wanted_is_skipped(unless, monkeypatch):
    monkeypatch.setattr(job, "JobHook", None)
    with pytest.raises(AirflowSkipException, match="something else"):
        JobOperator(task_id="land_events", job="land_events", spec={}, unless=unless).execute({"ti": Task()})


@pytest.mark.parametrize("unless", [False, "False", "", None])
def test_a_task_that_is_wanted_runs(unless, monkeypatch):
    monkeypatch.setattr(job, "JobHook", Hook)
    operator = JobOperator(task_id="land_events", job="land_events", spec={"first": "x"}, unless=unless)
    assert operator.execute({"ti": Task()}) == {"spec": {"work": "w", "first": "x"}}


def test_each_of_a_mapped_tasks_jobs_has_a_report_of_its_own(monkeypatch):
    named = []

    def hook(**names):
        named.append(names["task_id"])
        return Hook(**names)

    monkeypatch.setattr(job, "JobHook", hook)
    operator = JobOperator(task_id="run_first", job="run_trial", spec={})
    for place in (None, -1, 0, 12):
        task = Task()
        task.map_index = place
        operator.execute({"ti": task})
    assert named == ["t", "t", "t__0", "t__12"]


def test_a_task_may_return_one_entry_of_its_result(monkeypatch):
    monkeypatch.setattr(job, "JobHook", Hook)
    operator = JobOperator(task_id="suggest_first", job="suggest_trials", spec={"first": "x"}, only="spec")
    assert operator.execute({"ti": Task()}) == {"work": "w", "first": "x"}
