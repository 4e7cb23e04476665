"""Wait for a job's report without holding a worker."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from nightfill.hooks.job import job_runs


class JobTrigger(BaseTrigger):
    """Fires when a job has written its report, has died without one, or when it is time to look.

    The event is {"ended": a report is there, "due": the job runs on and `due` seconds are over}.

    Args:
        report: path of the report.
        pid: the job's process, asked only where there is no lock beside the report.
        due: seconds after which to fire although the job runs on; 0 means never.
        poll: seconds between looks.
        least: seconds before which it never fires: Airflow's scheduler fails a task that resumes before it has noticed the
            end of the process that deferred, as a short job on a busy machine would make it.
    """

    def __init__(self, *, report: str, pid: int, due: float = 0.0, poll: float = 0.5, least: float = 0.0) -> None:
        super().__init__()
        self.report = report
        self.pid = pid
        self.due = due
        self.poll = poll
        self.least = least

    def serialize(self) -> tuple[str, dict[str, Any]]:
        kwargs = {"report": self.report, "pid": self.pid, "due": self.due, "poll": self.poll, "least": self.least}
        return "nightfill.triggers.job.JobTrigger", kwargs

    async def run(self) -> AsyncIterator[TriggerEvent]:
        began = time.monotonic()
        await asyncio.sleep(self.least)
        while True:
            lives = job_runs(Path(self.report), self.pid)
            ended = Path(self.report).exists()
            due = bool(self.due) and time.monotonic() - began > self.due
            if ended or not lives or due:
                yield TriggerEvent({"ended": ended, "due": due and lives and not ended})
                return
            await asyncio.sleep(self.poll)
