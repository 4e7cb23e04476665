"""Start one job of `include.jobs` in a process of its own, and follow it to its report."""

import contextlib
import fcntl
import json
import logging
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from include.errors import EXIT_REFUSED
from include.settings import ROOT, Settings

log = logging.getLogger(__name__)

QUIET = {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "TF_CPP_MIN_LOG_LEVEL": "2"}
"""What a job needs to find this repository and to keep its log to what a person reads."""


LOCK = ".lock"
"""The suffix of the file that a job holds while it lives."""


def alive(pid: int) -> bool:
    """Whether a process runs. A zombie does not: its parent is gone and nobody has collected it."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def is_job(pid: int) -> bool:
    """Whether a process of this container runs a job of ours."""
    try:
        return any(word.startswith("include.jobs.") for word in psutil.Process(pid).cmdline())
    except psutil.Error:
        return False


def job_runs(report: Path, pid: int) -> bool:
    """Whether the job of a report still runs, seen from this or from another container on the same files.

    A job holds a lock beside its report while it lives; a pid means nothing outside the container of its worker.
    """
    try:
        with report.with_suffix(LOCK).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return False
    except FileNotFoundError:
        return alive(pid)
    except BlockingIOError:
        return True


def safe_name(run_id: str) -> str:
    """A run id as a folder name."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", run_id)


class JobHook(BaseHook):
    """One job of one task: its folders, its process and its report.

    Args:
        job: the module's name in include.jobs.
        dag_id, run_id, task_id: where it runs; they name its folders.
    """

    def __init__(self, *, job: str, dag_id: str, run_id: str, task_id: str) -> None:
        super().__init__()
        self.job = job
        self.settings = Settings.load()
        self.work = self.settings.var / "work" / dag_id / safe_name(run_id)
        self.report = self.settings.run / "jobs" / dag_id / safe_name(run_id) / f"{task_id}.json"
        self.process: subprocess.Popen[str] | None = None

    def start(self, spec: Mapping[str, Any], output: int | Any = subprocess.PIPE) -> subprocess.Popen[str]:
        """Write the spec and start the process in a group of its own."""
        self.work.mkdir(parents=True, exist_ok=True)
        self.report.parent.mkdir(parents=True, exist_ok=True)
        self.report.unlink(missing_ok=True)
        spec_path = self.report.with_suffix(".spec.json")
        common = {"store": self.settings.store_uri, "source": self.settings.source.model_dump()}
        spec_path.write_text(json.dumps(common | dict(spec), indent=1, default=str))
        command = [sys.executable, "-m", f"include.jobs.{self.job}", "--spec", str(spec_path), "--report", str(self.report)]
        log.info("Starting %s with %s", self.job, spec_path)
        with self.report.with_suffix(LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH)
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=child_environ(self.settings),
                stdin=subprocess.DEVNULL,  # a task's own is its line to Airflow's supervisor, which waits for all to hang up
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
                pass_fds=(lock.fileno(),),
            )
        return self.process

    def run(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """Run to the end, every line of output into the task's log, and return the result."""
        process = self.start(spec)
        assert process.stdout is not None
        for line in process.stdout:
            log.info(line.rstrip())
        return self.result(process.wait())

    def start_detached(self, spec: Mapping[str, Any]) -> subprocess.Popen[str]:
        """Start the job so that it outlives this process; its output goes to a file beside the report."""
        self.report.parent.mkdir(parents=True, exist_ok=True)
        with self.log_file.open("w") as file:
            return self.start(spec, file)

    def output(self) -> list[str]:
        """What a detached job has printed."""
        return self.log_file.read_text(errors="replace").splitlines() if self.log_file.exists() else []

    @property
    def log_file(self) -> Path:
        return self.report.with_suffix(".log")

    def result(self, code: int | None = None) -> dict[str, Any]:
        """The result in the report.

        Raises:
            AirflowFailException: the job refused its input; a retry would do the same.
            AirflowException: anything else that a retry may cure.
        """
        try:
            report = json.loads(self.report.read_text())
        except (FileNotFoundError, ValueError):
            raise AirflowException(f"Job {self.job} ended with code {code} and left no report at {self.report}") from None
        if report["ok"]:
            return report["result"]
        error = report["error"]
        sentence = f"{error['what']}. {error['todo']}."
        raise (AirflowFailException if report["code"] == EXIT_REFUSED else AirflowException)(sentence)

    def kill(self) -> None:
        """End the job and all that it started."""
        if self.process and self.process.poll() is None:
            _end_group(self.process.pid)
            self.process.wait(10)

    @staticmethod
    def kill_group(pid: int) -> None:
        """End a job by the pid that it was started with. Nothing happens when it has ended.

        The pid may come from another container and be somebody else's here: only a process that runs a job is touched.
        """
        if is_job(pid):
            _end_group(pid)


def _end_group(pid: int, patience: float = 5.0) -> None:
    """End a process group: politely, then not."""
    until = time.monotonic() + patience
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGTERM)
        while time.monotonic() < until and alive(pid):
            time.sleep(0.05)
        os.killpg(pid, signal.SIGKILL)


def child_environ(settings: Settings) -> dict[str, str]:
    """What a job sees: the settings and the ordinary environment, none of Airflow's secrets."""
    hidden = ("AIRFLOW", "_AIRFLOW", "NIGHTFILL_DATABASE", "NIGHTFILL_SMTP_PASSWORD")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    return kept | settings.environ() | QUIET
