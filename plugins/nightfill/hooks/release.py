"""One release as operators see it: its record, its lease, its candidate and its place in the steps."""

import datetime as dt
import time

from airflow.sdk.exceptions import AirflowSkipException

from include import recipes
from include.errors import Refused
from include.recipes.recipe import Release
from include.rollout import drill, lease, record, registry, steps, switches
from include.rollout.bundle import Bundle
from include.rollout.record import Record, Shift
from include.rollout.steps import Action, Do
from include.rollout.verdict import Kind, Verdict
from nightfill.hooks.job import safe_name
from nightfill.hooks.serving import ServingHook

LEASE = 3600.0
"""Seconds that a release may go without a sign of life; every step renews it."""

ENOUGH = 1.5
"""A ramp step is taken when this many times the needed households may be expected in the canary."""


class ReleaseHook(ServingHook):
    """The release that one DAG run makes. Its id is the run's."""

    def __init__(self, *, surface: str, run_id: str) -> None:
        super().__init__(surface=surface)
        self.release = safe_name(run_id)[:120]

    def open(self, night: dt.date, drilled: str = "") -> Record | None:
        """Take the lease and begin the release of the night's newest candidate, or take it up again.

        Args:
            drilled: name of a model that a drill has spoilt; it is released instead, and can never be promoted.

        Returns:
            The record; None when the gates let no candidate of this night through.

        Raises:
            Refused: nothing is stable yet, a newer night serves, or that model is no drill's.
        """
        candidate = self._drilled(drilled) if drilled else self._newest(night)
        if candidate is None:
            return None
        if self.stable() is None:
            raise Refused(f"Surface {self.surface} has no stable version", f"Run start_{self.surface} first")
        self.hold()
        plan = self._plan(candidate)
        found = record.begin(
            self.store,
            self.surface,
            self.release,
            candidate=candidate.version,
            night=night,
            first=night + dt.timedelta(days=1),
            last=night + dt.timedelta(days=plan.replay_days),
            margin=plan.margin,
            weights=plan.steps,
            budget_ms=plan.budget_ms,
            passes=drill.PASSES if candidate.drill else 1,
        )
        return self._held_back(found)

    def _newest(self, night: dt.date) -> Bundle | None:
        candidates = [v for v in registry.versions(self.store, self.surface) if v["night"] == night.isoformat()]
        return self.bundle(candidates[-1]["version"]) if candidates else None

    def _drilled(self, name: str) -> Bundle:
        found = self.bundle(name)
        if not found.drill or not self.release.startswith(drill.RUN):
            raise Refused(f"Model {found.name} is not released by a drill", "Drills are run by `nightfill drill`")
        return found

    def _plan(self, candidate: Bundle) -> Release:
        meta = candidate.manifest.meta
        plan = recipes.get(self.surface, meta["recipe"]).release
        changes = {"steps": drill.WEIGHTS, "replay_days": int(meta["days"])} if candidate.drill else {}
        return plan.model_copy(update=changes)

    def record(self) -> Record:
        """The record as it stands.

        Raises:
            AirflowSkipException: there is no release, since there was no candidate.
        """
        found = record.find(self.store, self.surface, self.release)
        if found is None:
            raise AirflowSkipException(f"There is no release {self.release}: no candidate was registered for its night")
        return found

    def expect(self, wanted: Do) -> tuple[Record, Action]:
        """The record and its next action, when that is what this task does; the lease is renewed.

        Raises:
            AirflowSkipException: the release has ended, this step is behind it, or the surface was frozen or pinned: then
                the record says HOLD, and the task that ends the release sends everybody back to stable.
        """
        found = self.record()
        action = steps.next_action(found)
        if action.do is not wanted:
            why = f"verdict {found.verdict}: {found.reason}" if found.verdict else f"it is at {action.step}"
            raise AirflowSkipException(f"The release does not need this step, {why}")
        self.hold()
        if reason := self.against(found):
            self.take(found, action, Verdict(kind=Kind.HOLD, reason=reason))
            raise AirflowSkipException(reason)
        return found, action

    def against(self, found: Record) -> str:
        """Why a person's switch stops this release; empty when none does."""
        return switches.read(self.store, self.surface).against(found.candidate_version)

    def _held_back(self, found: Record) -> Record:
        """A release of a frozen or pinned surface ends with HOLD before it has begun."""
        reason = "" if found.steps or found.verdict else self.against(found)
        if reason:
            found = found.model_copy(update={"verdict": Kind.HOLD, "reason": reason})
            record.save(self.store, found)
        return found

    def hold(self) -> None:
        """Take or renew the lease."""
        lease.acquire(self.store, self.surface, self.release, LEASE)

    def let_go(self) -> None:
        """Give the lease back."""
        lease.release(self.store, self.surface, self.release)

    def candidate(self) -> Bundle:
        """The bundle that is being released."""
        return self.bundle(self.record().candidate_version)

    def take(self, before: Record, action: Action, verdict: Verdict, **counts: float) -> Record:
        """Note a verdict, and save."""
        after = steps.take(before, action, verdict, **counts)
        record.save(self.store, after)
        self.log.info("%s %s: %s", action.step, verdict.kind, verdict.reason)
        return after

    def shift(self, before: Record, action: Action) -> Record:
        """Move the canary's share to an action's weight: noted before it is asked for, and when it is in force."""
        asked = steps.open_step(before, action, time.time())
        record.save(self.store, asked)
        self.route(action.weight, asked.salt)
        live = steps.opened(asked, time.time())
        record.save(self.store, live)
        return live

    def retreat(self, before: Record) -> Record:
        """Send everybody to stable and empty the canary and the shadow. Safe to repeat."""
        after = self.send_home(before)
        self.retire("canary")
        self.retire("shadow")
        return after

    def send_home(self, before: Record) -> Record:
        """Send everybody to stable, and note it. Safe to repeat."""
        asked = time.time()
        self.route(0, before.salt)
        after = before
        if before.shifts and before.shifts[-1].weight:
            after = before.model_copy(update={"shifts": (*before.shifts, Shift(at=asked, weight=0, live=time.time()))})
            record.save(self.store, after)
        return after

    def fit_ramp(self, before: Record, households: int) -> Record:
        """Leave out steps that a shop of this size could not judge: too few canary households to see."""
        kept = tuple(w for w in before.weights if w == 100 or households * w / 100 >= ENOUGH * before.minimum)
        if kept == before.weights or before.shifts:
            return before
        left = ", ".join(f"{w} %" for w in before.weights if w not in kept)
        self.log.info("Steps left out, %d households are too few to judge them: %s", households, left)
        after = before.model_copy(update={"weights": kept})
        record.save(self.store, after)
        return after
