"""`nightfill drill`: spoil the stable model, send the result through the release DAG, and see that nobody noticed."""

import datetime as dt
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from include.cli import stack
from include.cli.airflow_api import DONE, AirflowApi
from include.cli.drill_result import Row, render, write
from include.cli.driver import Driver
from include.cli.failure import Failure
from include.cli.lock import only_one
from include.cli.plan import Step
from include.cli.terminal import Screen, clock
from include.errors import EXIT_TRY_AGAIN, Refused, TryAgain
from include.rollout import lease, record, registry
from include.rollout.aftermath import forget_files, traces
from include.rollout.bundle import Pointer
from include.rollout.drill import RUN, Drill, caught, chosen
from include.rollout.verdict import Kind
from include.serving import processes
from include.settings import ROOT, Settings
from include.store.objects import open_store
from include.words import counted

GUESS = 90
"""Seconds that one drill takes on two cores, roughly."""


def run(settings: Settings, surface: str, fault: str, form: str) -> int:
    """Do the drills; returns 0 when all were caught and nobody noticed, 1 when not."""
    wanted, screen, began = chosen(fault, form), Screen(), time.monotonic()
    with only_one(settings.run / "nightfill.lock"):
        stack.start(settings, screen.say)
        drills = Drills(settings, surface, screen)
        try:
            drills.prepare(wanted)
            for number in range(len(wanted)):
                drills.do(number)
        except Failure as failure:
            screen.say(str(failure))
            return 1
        finally:
            drills.close()
    screen.say("\n" + render(drills.rows))
    written = write(drills.rows, settings.run / "drills.json")
    screen.say(f"{counted(len(drills.rows), 'drill')} in {clock(time.monotonic() - began)}: {written}")
    return 0 if all(row.ok for row in drills.rows) else 1


class Drills:
    """The drills of one call, and what came of them in `rows`."""

    def __init__(self, settings: Settings, surface: str, screen: Screen) -> None:
        self.settings, self.surface, self.screen = settings, surface, screen
        self.api: AirflowApi = stack.client(settings)
        self.store = open_store(settings.store_uri)
        self.driver = Driver(self.api, settings, screen, wait_serving=lambda: processes.wait_up(settings))
        self.stamp = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%S")
        self.rows: list[Row] = []
        self.made: dict[str, Any] = {}
        self.under_way = ""

    def prepare(self, wanted: list[Drill]) -> None:
        """Make sure that stable serves, and make the spoilt candidates."""
        stable = self._stable()
        self._clear_leftovers()
        processes.wait_up(self.settings)
        if traces(self.settings, self.store, self.surface, stable):
            self.driver.walk(
                [self._step("start", f"{RUN}start_{self.surface}__{self.stamp}", {"dt": stable.night.isoformat()})]
            )
        self.made = self._spoil(wanted)
        households, days = self.made["households"], self.made["days"]
        self.screen.say(f"Each goes through release_{self.surface} with the {households} households of {days} days")

    def do(self, number: int) -> None:
        """One drill, from its release to the last trace of it."""
        made = self.made["drills"][number]
        drill, before, began = Drill(made["fault"], made["form"]), self._stable(), time.monotonic()
        release = f"{RUN}release_{self.surface}__{drill.mark.replace(' ', '-')}__{self.stamp}"
        title = f"drill {number + 1} of {len(self.made['drills'])}, {drill.mark}"
        self.under_way = made["name"]
        try:
            self.driver.walk([self._step("release", release, {"dt": self.made["night"], "drill": made["name"]}, title)])
            failure = ""
        except Failure as error:
            failure = str(error)
            lease.release(self.store, self.surface, release)
        row = self._row(
            drill, release, failure, time.monotonic() - began, traces(self.settings, self.store, self.surface, before)
        )
        self.under_way = ""
        registry.forget_drill(self.store, self.surface, made["name"])
        forget_files(self.settings, self.surface, made["version"], dt.date.fromisoformat(self.made["night"]), release)
        self.rows.append(row)
        self.screen.say(f"{drill.mark}: {row.verdict} in {row.where or 'no step'}. {row.reason}")
        if failure:
            self.screen.say(failure)

    def close(self) -> None:
        """Take away what was not drilled. A release that is under way needs its model: the next drill clears it away."""
        for made in self.made.get("drills", []):
            if made["name"] != self.under_way:
                registry.forget_drill(self.store, self.surface, made["name"])
        self.api.close()

    def _row(self, drill: Drill, release: str, failure: str, seconds: float, left: list[str]) -> Row:
        found = record.find(self.store, self.surface, release)
        reason = found.reason if found and found.verdict else "The release ended without a verdict"
        where = next((step.name for step in found.steps if step.verdict is not Kind.ADVANCE), "") if found else ""
        kind = found.verdict if found and not failure else None
        return Row(
            fault=drill.fault,
            form=drill.form,
            where=where,
            verdict=str(kind) if kind else "FAILED",
            reason=reason,
            seconds=round(seconds, 1),
            requests=found.requests if found else 0,
            failed_requests=found.failed_requests if found else 0,
            stable_untouched=not left,
            left=left,
            caught=caught(kind, where),
            named=drill.named(reason),
        )

    def _stable(self) -> Pointer:
        found = registry.stable(self.store, self.surface)
        if found is None or found.version == 0:
            raise Refused(f"No trained model answers {self.surface} yet, and a drill spoils one", "Run `make run` first")
        return found

    def _clear_leftovers(self) -> None:
        """An interrupted drill's release goes on without its command: wait for it. What it left behind goes."""
        holder, until = lease.holder_of(self.store, self.surface)
        if holder.startswith(RUN) and until > time.time():
            asked = self.api.run(f"release_{self.surface}", holder)
            if asked and asked["state"] not in DONE:
                raise TryAgain(f"The release {holder} of an earlier drill is still under way", "Wait until it has ended")
            lease.release(self.store, self.surface, holder)
        for entry in registry.drills(self.store, self.surface):
            registry.forget_drill(self.store, self.surface, entry["name"])

    def _step(self, verb: str, run_id: str, conf: dict[str, str], stage: str = "drill") -> Step:
        return Step(stage=stage, dag_id=f"{verb}_{self.surface}", run_id=run_id, conf=conf, guess=GUESS)

    def _spoil(self, wanted: list[Drill]) -> dict[str, Any]:
        """Run include.jobs.spoil_bundle in a process of its own, and return its result."""
        folder = self.settings.run / "jobs" / "drill" / self.stamp
        folder.mkdir(parents=True, exist_ok=True)
        spec, report, log = folder / "spoil_bundle.spec.json", folder / "spoil_bundle.json", folder / "spoil_bundle.log"
        told: dict[str, Any] = {"store": self.settings.store_uri, "source": self.settings.source.model_dump()}
        told |= {
            "work": str(folder),
            "surface": self.surface,
            "drills": [{"fault": one.fault, "form": one.form} for one in wanted],
        }
        spec.write_text(json.dumps(told, indent=1))
        command = [sys.executable, "-m", "include.jobs.spoil_bundle", "--spec", str(spec), "--report", str(report)]
        environ = os.environ | self.settings.environ() | {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "2"}
        began = time.monotonic()
        with log.open("w") as file:
            process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=file, stderr=subprocess.STDOUT)
            try:
                while process.poll() is None:
                    copies = counted(len(wanted), "copy", "copies")
                    self.screen.progress(f"Spoiling {copies} of the stable model, {clock(time.monotonic() - began)}")
                    time.sleep(0.5)
            finally:
                process.kill()
                process.wait()
        return self._result(report, log)

    @staticmethod
    def _result(report: Path, log: Path) -> dict[str, Any]:
        if not report.exists():
            raise TryAgain("The model could not be spoilt: the job left no report", f"Read {log}")
        said = json.loads(report.read_text())
        if said["ok"]:
            return dict(said["result"])
        error = said["error"]
        raise (TryAgain if said["code"] == EXIT_TRY_AGAIN else Refused)(error["what"], error["todo"])
