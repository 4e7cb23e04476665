"""What a person needs when a DAG run has failed: which task, what it said, why, and what to do."""

import json
from collections.abc import Sequence
from pathlib import Path

from include.cli import task_log
from include.cli.airflow_api import Json
from include.cli.airflow_stack import url
from include.cli.plan import Step
from include.settings import Settings
from include.words import counted

TAIL = 30


class Failure(Exception):
    """A DAG run failed; the text says all."""


def report_path(settings: Settings, dag_id: str, run_id: str, task_id: str) -> Path:
    """Where a task's job leaves its report."""
    return settings.run / "jobs" / dag_id / run_id / f"{task_id}.json"


def explain(settings: Settings, step: Step, tasks: Sequence[Json]) -> str:
    """The whole message for a failed run."""
    failed = next((task for task in tasks if task["state"] == "failed"), None)
    if failed is None:
        return f"{step.dag_id} {step.run_id} failed before any of its tasks. Look at {_page(settings, step)}."
    task_id = failed["task_id"]
    tail = task_log.lines(settings, step.dag_id, step.run_id, task_id)[-TAIL:] or ["(the task left no log)"]
    return "\n".join(
        [
            f"FAILED: task {task_id} of {step.dag_id}, run {step.run_id}, after {counted(failed['try_number'], 'attempt')}.",
            f"The last lines of its log (all of it: ./nightfill logs {task_id}):",
            *[f"    {line}" for line in tail],
            *_error(report_path(settings, step.dag_id, step.run_id, task_id)),
            f"The run: {_page(settings, step)}",
            "Then: `make run` continues with the failed task; `make stop` ends the stack.",
        ]
    )


def _error(path: Path) -> list[str]:
    """The job's own two sentences, when it left a report."""
    try:
        error = json.loads(path.read_text())["error"]
    except (OSError, ValueError, KeyError):
        return ["What happened: the task ended without a report; the lines above say why."]
    return [f"What happened: {error['what']}.", f"What to do: {error['todo']}."]


def _page(settings: Settings, step: Step) -> str:
    return f"{url(settings)}/dags/{step.dag_id}/runs/{step.run_id}"
