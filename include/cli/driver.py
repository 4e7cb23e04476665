"""Walk the plan through Airflow's scheduler: ask for each DAG run, follow it, stop at the first failure.

What is done is skipped, what failed is cleared (its failed tasks only), what runs is waited for. So an interrupted walk
continues where it was, and a second walk repeats nothing.
"""

import time
from collections.abc import Callable

from include.cli import task_log
from include.cli.airflow_api import DONE, AirflowApi, Json
from include.cli.estimate import Estimate
from include.cli.failure import Failure, explain
from include.cli.plan import Step
from include.cli.terminal import Screen, clock
from include.errors import Refused
from include.settings import Settings

NO_WORK = ("success", "skipped")
QUARANTINE = "report_quarantine"
"""The task that fails when a night is published without its events; what comes after it works on."""


def needs_serving(step: Step) -> bool:
    """Whether a step loads models into the servers or asks them."""
    return step.dag_id.startswith(("start_", "release_")) or step.dag_id == "replay_shoppers"


class Driver:
    """Follows one plan.

    Args:
        poll: seconds between looks.
        patience: seconds to wait for Airflow to read the DAG files.
        wait_serving: returns when the model servers answer; called before the first step that asks them.
    """

    def __init__(
        self,
        api: AirflowApi,
        settings: Settings,
        screen: Screen,
        poll: float = 1.0,
        patience: float = 120.0,
        sleep: Callable[[float], None] = time.sleep,
        wait_serving: Callable[[], None] = lambda: None,
    ) -> None:
        self.api, self.settings, self.screen = api, settings, screen
        self.poll, self.patience, self.sleep, self.wait_serving = poll, patience, sleep, wait_serving
        self.degraded: list[str] = []
        """Nights that were published without their events."""

    def walk(self, steps: list[Step]) -> None:
        """Do the whole plan. Raises Failure when a DAG run fails, Refused when a DAG cannot be asked."""
        dags = list(dict.fromkeys(step.dag_id for step in steps))
        for dag_id in dags:
            self._wait_for_dag(dag_id)
        estimate = Estimate(steps, {dag_id: self.api.task_count(dag_id) for dag_id in dags}, {})
        for position, step in enumerate(steps):
            began = time.monotonic()
            asked = self._ask(step)
            if asked == "done before":
                self.screen.say(f"{step.stage}: {step.title} was done before")
                continue
            self._follow(step, position, estimate, began)
            estimate.took[position] = time.monotonic() - began
            self.screen.say(f"{step.stage}: {step.title} {asked}, done in {clock(estimate.took[position])}")

    def _wait_for_dag(self, dag_id: str) -> None:
        until = time.monotonic() + self.patience
        while (dag := self.api.dag(dag_id)) is None:
            errors = self.api.import_errors()
            if errors and time.monotonic() > until - self.patience / 2:
                raise Refused(
                    f"{errors[0]['filename']} does not load in Airflow:\n{str(errors[0]['stack_trace'])[-800:]}\n",
                    "Correct the DAG file and run again",
                )
            if time.monotonic() > until:
                raise Refused(f"Airflow does not know the DAG {dag_id}", "Read `nightfill logs dag-processor`")
            self.screen.progress(f"Waiting for Airflow to read {dag_id}")
            self.sleep(self.poll)
        if dag["is_paused"]:
            self.api.unpause(dag_id)

    def _ask(self, step: Step) -> str:
        """Make sure that the run is on its way; returns what had to be done for it."""
        run = self.api.run(step.dag_id, step.run_id)
        if needs_serving(step) and (run is None or run["state"] != "success"):
            self.wait_serving()
        if run is None:
            self.api.trigger(step.dag_id, step.run_id, dict(step.conf))
            return "started"
        if run["state"] == "success":
            return "done before"
        if run["state"] != "failed":
            return "was under way"
        self.api.clear_failed(step.dag_id, step.run_id)
        if self._state(step) == "failed":
            raise Refused(
                f"{step.dag_id} {step.run_id} has failed without a failed task", "Clear it from the web page and run again"
            )
        return "continued"

    def _follow(self, step: Step, position: int, estimate: Estimate, began: float) -> None:
        while (state := self._state(step)) not in DONE:
            tasks = self.api.tasks(step.dag_id, step.run_id)
            finished = sum(task["state"] in NO_WORK for task in tasks)
            since = time.monotonic() - began
            self.screen.progress(estimate.line(position, since, self._doing(tasks, since), finished))
            self.sleep(self.poll)
        if state == "failed":
            tasks = self.api.tasks(step.dag_id, step.run_id)
            if [task["task_id"] for task in tasks if task["state"] == "failed"] != [QUARANTINE]:
                raise Failure(explain(self.settings, step, tasks))
            self.degraded.append(step.title)
            self.screen.say(f"QUARANTINED: {step.title} goes on without its events; see `nightfill status`")

    def _state(self, step: Step) -> str:
        run = self.api.run(step.dag_id, step.run_id)
        if run is None:
            raise Refused(f"{step.dag_id} {step.run_id} was deleted while it ran", "Run again to start it anew")
        return str(run["state"])

    def _doing(self, tasks: list[Json], since: float) -> str:
        """The task that is at work, for how long, and the last thing that its job counted."""
        task = next((t for t in tasks if t["state"] in ("running", "deferred", "up_for_retry", "up_for_reschedule")), None)
        if task is None:
            return f"waiting for the scheduler {clock(since)}"
        name = task["task_id"] + (" (will be tried again)" if task["state"] == "up_for_retry" else "")
        found = task_log.lines(self.settings, task["dag_id"], task["dag_run_id"], task["task_id"])
        counted = task_log.last_progress(found)
        return f"{name} {clock(since)}" + (f", {counted}" if counted else "")
