"""Run one job of `include.jobs` as one task."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowSkipException

from include.rollout.verdict import Kind
from nightfill.hooks.job import JobHook


class JobOperator(BaseOperator):
    """Freeze the spec, start the job, stream its log, return its result.

    Args:
        job: the module's name in include.jobs.
        spec: the job's fields; `store`, `source` and `work` are added. Templated.
        describe: makes the asset event of the result: (asset, extra) or None for no event.
        unless: a condition under which this task is skipped, as something else was asked for. Templated.
        only: the entry of the result that is returned instead of all of it, for tasks that are mapped over a list.
        verdict_of: a task whose result holds a verdict; unless that is ADVANCE, this task is skipped, with its reason.
    """

    template_fields: Sequence[str] = ("spec", "unless")
    template_fields_renderers = {"spec": "json"}  # noqa: RUF012 - Airflow's own convention
    ui_color = "#e8f1f8"

    def __init__(
        self,
        *,
        job: str,
        spec: Mapping[str, Any],
        describe: Callable[[dict[str, Any], Context], tuple[Any, dict[str, Any]] | None] | None = None,
        unless: str | bool = False,
        verdict_of: str = "",
        only: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.job = job
        self.spec = dict(spec)
        self.describe = describe
        self.unless = unless
        self.verdict_of = verdict_of
        self.only = only
        self.hook: JobHook | None = None

    def execute(self, context: Context) -> Any:
        task = context["ti"]
        if str(self.unless).lower() == "true":
            raise AirflowSkipException("This run was asked for something else: see its parameters")
        if self.verdict_of:
            judged = task.xcom_pull(task_ids=self.verdict_of)
            if judged["verdict"] != Kind.ADVANCE:
                raise AirflowSkipException(f"{self.verdict_of} said {judged['verdict']}: {judged['reason']}")
        place = getattr(task, "map_index", -1)
        name = task.task_id if place in (None, -1) else f"{task.task_id}__{place}"
        self.hook = JobHook(job=self.job, dag_id=task.dag_id, run_id=task.run_id, task_id=name)
        result = self.hook.run({"work": str(self.hook.work)} | self.spec)
        if self.describe and (event := self.describe(result, context)):
            asset, extra = event
            context["outlet_events"][self.outlets[0]].add(asset, extra=extra)
        return result[self.only] if self.only else result

    def on_kill(self) -> None:
        if self.hook:
            self.hook.kill()
