"""Go back to an earlier version, because a person asked for it."""

from collections.abc import Sequence
from typing import Any

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowFailException

from include.errors import Refused
from include.rollout import lease, rollback
from include.rollout.rollback import Plan
from nightfill.hooks.job import safe_name
from nightfill.hooks.serving import ServingHook
from nightfill.notifications import tell

LEASE = 900.0
"""Seconds for which the surface is held: a deploy of all replicas takes less."""


class RollBackOperator(BaseOperator):
    """Pins the surface to the version, brings that version up on every stable replica, then moves the pointer.

    No request goes unanswered: each replica lets the old version go only when the other one is available. A bundle that
    cannot be loaded leaves everything as it was. While a release holds the surface this task is tried again: the pin ends
    the release at its next look.

    Args:
        surface: the surface.
        version: where to go; None means what served before. Templated.
        why: the reason, for the record. Templated.
        by: who asked, when it was not the one who triggered the run in Airflow. Templated.
        epoch: the pointer's epoch that the person saw; None means any. Templated.
    """

    template_fields: Sequence[str] = ("version", "why", "by", "epoch")

    def __init__(self, *, surface: str, version: Any, why: str, by: str = "", epoch: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.surface = surface
        self.version = version
        self.why = why
        self.by = by
        self.epoch = epoch

    def execute(self, context: Context) -> dict[str, Any]:
        hook, run = ServingHook(surface=self.surface), safe_name(context["ti"].run_id)[:120]
        who = str(self.by or getattr(context["dag_run"], "triggering_user_name", None) or "somebody")
        self.log.info("%s asks to go back to version %s: %s", who, self.version, self.why)
        stable = hook.stable()
        if stable is None or stable.release != run:
            try:
                going = rollback.plan(hook.store, self.surface, _number(self.version), _number(self.epoch))
                stable = self._go(hook, going, run, who)
            except Refused as refused:
                raise AirflowFailException(str(refused)) from refused
            tell(f"Rolled back {self.surface} to version {stable.version}, asked by {who}: {self.why}", context)
        for arm in ("canary", "shadow"):
            hook.retire(arm)
        return {"version": stable.version, "model": stable.name, "by": who, "why": str(self.why)}

    def _go(self, hook: ServingHook, going: Plan, run: str, who: str) -> Any:
        had = rollback.hold(hook.store, going, who, str(self.why))
        with lease.lease(hook.store, self.surface, run, LEASE):
            try:
                hook.route(0, "")
                hook.deploy("stable", going.after)
                return rollback.move(hook.store, going, run, who, str(self.why))
            except Refused:
                hook.deploy("stable", hook.bundle(going.before.version))
                rollback.let_go(hook.store, going, who, had)
                raise


def _number(value: Any) -> int | None:
    return None if value in (None, "", "None") else int(value)
