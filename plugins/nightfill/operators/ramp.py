"""Let the canary earn its traffic, step by step, holding no worker while it waits."""

import datetime as dt
import time
from pathlib import Path
from typing import Any, NoReturn

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowException, AirflowSkipException

from include.rollout.evidence import look
from include.rollout.record import Record
from include.rollout.steps import Do, next_action
from include.rollout.verdict import Kind
from nightfill.hooks.job import JobHook, job_runs
from nightfill.hooks.release import ReleaseHook
from nightfill.operators.release import release_fields
from nightfill.triggers.job import JobTrigger

LOOK = 15.0
"""Seconds between two looks at a step that is still under way: a canary that breaks is taken back before the step ends."""

LEAST = 5.0
"""Seconds that a step of the ramp takes at least: see JobTrigger. A small shop's households are replayed in one or two."""

FLUSHED = 0.5
"""Seconds after which the gateway has written its attempt log."""

STOPS = 10.0
"""Seconds that a replay gets to answer what it has begun when its step is rolled back."""


class RampOperator(BaseOperator):
    """Moves the canary's share up through the recipe's steps and judges each by what the gateway saw.

    At each step the replay sends the week's households through the gateway in a process of its own, and this task
    defers until it has ended. It reads no outcomes: the ramp judges safety, the shadow judged quality.

    Args:
        surface: the surface.
    """

    def __init__(self, *, surface: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.surface = surface

    def execute(self, context: Context) -> dict[str, Any]:
        hook = ReleaseHook(surface=self.surface, run_id=context["ti"].run_id)
        record, _ = hook.expect(Do.RAMP)
        shadow = next((step.requests for step in record.steps if step.name == Do.SHADOW), 0)
        record = hook.fit_ramp(record, shadow)
        hook.deploy("canary", hook.candidate())
        self._step(hook, record)

    def judge_step(self, context: Context, event: dict[str, Any], began: float, pid: int) -> dict[str, Any]:
        """After the replay of a step has ended, or after a while: look, and go on or end."""
        hook = ReleaseHook(surface=self.surface, run_id=context["ti"].run_id)
        try:
            record, action = hook.expect(Do.RAMP)
        except AirflowSkipException:
            JobHook.kill_group(pid)
            raise
        job = self._job(hook, action.step)
        run = f"{record.release}-{action.step}"
        time.sleep(FLUSHED)
        verdict = look(record, hook.gateway.attempts, hook.settings.answers, run, over=event["ended"])
        if event["due"] and verdict.kind is not Kind.ROLL_BACK:
            self._wait(job, began, pid)
        if event["due"]:
            record = hook.send_home(record)
            replayed = self._stop_replay(job, pid)
        else:
            replayed = self._replayed(job, event)
        requests, failed = replayed.get("requests", 0), replayed.get("failed", 0)
        record = hook.take(record, action, verdict, requests=requests, failed_requests=failed, began=began, ended=time.time())
        if next_action(record).do is Do.RAMP:
            self._step(hook, record)
        return {"verdict": str(verdict.kind), "reason": verdict.reason, "requests": record.requests}

    def on_kill(self) -> None:
        """A killed ramp leaves traffic as it is: the task that ends the release sends everybody back to stable."""

    def _step(self, hook: ReleaseHook, record: Record) -> NoReturn:
        began = time.time()
        action = next_action(record)
        record = hook.shift(record, action)
        job = self._job(hook, action.step)
        told = release_fields(record)
        spec = {name: told[name] for name in ("surface", "night", "first", "last")}
        spec |= {"mode": "ramp", "run_id": f"{record.release}-{action.step}", "work": str(job.work)}
        stop = self._stop_file(job)
        stop.unlink(missing_ok=True)
        spec |= {"passes": record.passes, "stop_file": str(stop)}
        process = job.start_detached(spec)
        self._wait(job, began, process.pid)

    def _wait(self, job: JobHook, began: float, pid: int) -> NoReturn:
        self.defer(
            trigger=JobTrigger(report=str(job.report), pid=pid, due=LOOK, least=LEAST),
            method_name="judge_step",
            kwargs={"began": began, "pid": pid},
            timeout=dt.timedelta(hours=1),
        )

    def _job(self, hook: ReleaseHook, step: str) -> JobHook:
        return JobHook(job="replay_shoppers", dag_id=self.dag_id, run_id=hook.release, task_id=f"{self.task_id}.{step}")

    @staticmethod
    def _stop_file(job: JobHook) -> Path:
        return job.report.with_suffix(".stop")

    def _stop_replay(self, job: JobHook, pid: int) -> dict[str, Any]:
        """Let a replay end where it is, so that its requests are counted; end it when it does not."""
        self._stop_file(job).touch()
        until = time.monotonic() + STOPS
        while job_runs(job.report, pid) and time.monotonic() < until:
            time.sleep(0.1)
        job.kill_group(pid)
        return job.result() if job.report.exists() else {}

    def _replayed(self, job: JobHook, event: dict[str, Any]) -> dict[str, Any]:
        for line in job.output():
            self.log.info(line)
        if not event["ended"]:
            raise AirflowException(f"The replay died without a report; its output is in {job.log_file}")
        return job.result()
