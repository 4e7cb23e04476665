"""Wait for a job's report without holding a worker."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psutil
from airflow.triggers.base import BaseTrigger, TriggerEvent


class JobTrigger(BaseTrigger):
    """Fires when a job has written its report, or has died without one.

    Args:
        report: path of the report.
        pid: the job's process.
        poll: seconds between looks.
    """

    def __init__(self, *, report: str, pid: int, poll: float = 0.5) -> None:
        super().__init__()
        self.report = report
        self.pid = pid
        self.poll = poll

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return "nightfill.triggers.job.JobTrigger", {"report": self.report, "pid": self.pid, "poll": self.poll}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        while not Path(self.report).exists():
            if not self._alive() and not Path(self.report).exists():
                yield TriggerEvent({"ended": False})
                return
            await asyncio.sleep(self.poll)
        yield TriggerEvent({"ended": True})

    def _alive(self) -> bool:
        """A zombie counts as dead: its parent is gone and nobody collects it."""
        try:
            return psutil.Process(self.pid).status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False
