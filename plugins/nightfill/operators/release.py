"""The tasks of a release. Deciding is pure and lives in include/rollout; these act on it."""

import datetime as dt
import time
from collections.abc import Mapping, Sequence
from typing import Any

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowFailException

from include.rollout import registry, served
from include.rollout.record import Record
from include.rollout.steps import Do, next_action
from include.rollout.verdict import Kind, Verdict
from nightfill.hooks.release import ReleaseHook
from nightfill.notifications import tell_release
from nightfill.operators.job import JobOperator

GOT_THROUGH = "THE DRILL FAILED: every gate let a model through that was spoilt on purpose. Nothing was promoted"


class OpenReleaseOperator(BaseOperator):
    """Picks the night's candidate, takes the lease, begins the record.

    Args:
        surface: the surface.
        night: the night whose newest candidate is released. Templated.
        drilled: name of a model that a drill has spoilt, to be released instead; empty for none. Templated.
    """

    template_fields: Sequence[str] = ("night", "drilled")

    def __init__(self, *, surface: str, night: str, drilled: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.surface = surface
        self.night = night
        self.drilled = drilled

    def execute(self, context: Context) -> dict[str, Any]:
        hook = ReleaseHook(surface=self.surface, run_id=context["ti"].run_id)
        record = hook.open(dt.date.fromisoformat(str(self.night)), str(self.drilled or ""))
        if record is None:
            self.log.warning("No candidate of %s is registered: the gates let none through", self.night)
            return {"release": None}
        stable = record.stable.version if record.stable else None
        return {"release": record.release, "stable": stable, "candidate": record.candidate_version}


class ReleaseJobOperator(JobOperator):
    """A job that belongs to one step of a release; skipped when the release has ended or is past it.

    Args:
        surface: the surface.
        step: which step of the release this belongs to.
        fields: what the job is told of the release: keys of release_fields.
        deploy: an arm on which the candidate is brought up first.
        verdict: whether the job's result holds the step's verdict.
        traffic: the task whose result counts the step's requests.
    """

    def __init__(
        self,
        *,
        surface: str,
        step: Do,
        fields: Sequence[str],
        deploy: str = "",
        verdict: bool = False,
        traffic: str = "",
        spec: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(spec=spec or {}, **kwargs)
        self.surface = surface
        self.step = step
        self.fields = fields
        self.deploy = deploy
        self.verdict = verdict
        self.traffic = traffic

    def execute(self, context: Context) -> dict[str, Any]:
        hook = ReleaseHook(surface=self.surface, run_id=context["ti"].run_id)
        record, action = hook.expect(self.step)
        if self.deploy:
            hook.deploy(self.deploy, hook.candidate())
        began = time.time()
        told = release_fields(record)
        self.spec = {name: told[name] for name in self.fields} | self.spec
        result = super().execute(context)
        if self.verdict:
            traffic = context["ti"].xcom_pull(task_ids=self.traffic) if self.traffic else {}
            counts = {"requests": traffic.get("requests", 0), "failed_requests": traffic.get("failed", 0)}
            verdict = Verdict.model_validate(result["verdict"])
            hook.take(record, action, verdict, began=began, ended=time.time(), **counts)
        return result


class EndReleaseOperator(BaseOperator):
    """Promotes, or sends everybody back to stable. Runs whatever happened before it.

    When a step before it failed without a verdict, traffic goes back to stable and this task fails too: clearing the
    failed task takes the release up again where it was.

    Args:
        surface: the surface.
    """

    def __init__(self, *, surface: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.surface = surface

    def execute(self, context: Context) -> dict[str, Any]:
        if context["ti"].xcom_pull(task_ids="open_release") is None:
            raise AirflowFailException("The release was not opened. Read the log of open_release, then clear it.")
        hook = ReleaseHook(surface=self.surface, run_id=context["ti"].run_id)
        record = hook.record()
        action = next_action(record)
        if action.do not in (Do.PROMOTE, Do.RESTORE, Do.END):
            hook.retreat(record)
            hook.let_go()  # nothing is under way any more: a roll-back by hand need not wait for the lease to end
            raise AirflowFailException(
                f"The release stopped at {action.step} without a verdict; everybody is at stable. "
                "Read the log of the failed task, then clear it and what hangs from it."
            )
        if action.do is Do.PROMOTE and record.drill:
            record = refuse_to_promote(hook, record)
            action = next_action(record)
        if action.do is Do.PROMOTE:
            record = self._promote(hook, record)
        elif action.do is Do.RESTORE:
            record = self._restore(hook, record)
        hook.let_go()
        tell_release(record, context)
        return {"verdict": str(record.verdict), "reason": record.reason}

    def _restore(self, hook: ReleaseHook, record: Record) -> Record:
        """Everybody back to stable."""
        verdict = Verdict(kind=record.verdict or Kind.HOLD, reason=record.reason)
        return hook.take(hook.retreat(record), next_action(record), verdict, ended=time.time())

    def _promote(self, hook: ReleaseHook, record: Record) -> Record:
        """Pointer first, since it may be refused; then the stable replicas one by one; then traffic moves to them."""
        hook.hold()
        if reason := hook.against(record):
            record = hook.take(record, next_action(record), Verdict(kind=Kind.HOLD, reason=reason))
            return self._restore(hook, record)
        epoch = record.stable.epoch if record.stable else 0
        version, store = record.candidate_version, hook.store
        pointer = registry.promote(store, self.surface, version, record.night, record.release, epoch=epoch)
        served.note(store, self.surface, pointer)
        hook.deploy("stable", hook.candidate())
        record = hook.retreat(record)
        verdict = Verdict(kind=Kind.PROMOTE, reason=f"Version {record.candidate_version} is stable")
        return hook.take(record, next_action(record), verdict, ended=time.time())


def refuse_to_promote(hook: ReleaseHook, record: Record) -> Record:
    """End a drill's release that should have ended long before."""
    verdict = Verdict(kind=Kind.HOLD, reason=GOT_THROUGH)
    return hook.take(record, next_action(record), verdict, ended=time.time())


def release_fields(record: Record) -> dict[str, Any]:
    """What a job may be told of a release."""
    return {
        "surface": record.surface,
        "release": record.release,
        "version": record.candidate_version,
        "night": record.night.isoformat(),
        "first": record.first.isoformat(),
        "last": record.last.isoformat(),
        "run_id": f"{record.release}-shadow",
    }
