"""The frame of every job: one frozen spec in, one report out.

    python -m include.jobs.<name> --spec SPEC.json --report REPORT.json

A job is a class with typed fields and a `run` that returns a small dict. The report is written by rename when the job
ends, well or badly: {"ok", "result" | "error", "code", "started", "ended"} (Unix seconds; started is the process's start).
Exit codes: 0 done, 65 refused (do not retry), 75 try again, 1 a bug.
"""

import argparse
import json
import logging
import os
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import psutil
from pydantic import BaseModel, ConfigDict, ValidationError

from include.errors import EXIT_REFUSED, EXIT_TRY_AGAIN, NightfillError, Refused, TryAgain
from include.settings import SourceSpec
from include.store.objects import Store, open_store

DONE, BUG = 0, 1

log = logging.getLogger("nightfill")


class Job(BaseModel):
    """Base of all jobs: frozen, strict about names, and told where the store is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    store: str
    source: SourceSpec = SourceSpec()

    def run(self) -> dict[str, Any]:
        """Do the work, and return a small JSON value for the report and XCom."""
        raise TypeError(f"{type(self).__name__} has no run")

    def open_store(self) -> Store:
        return open_store(self.store)


def progress(done: int, total: int, what: str, since: float) -> None:
    """One log line with count, rate and time left, for the task's log and for `nightfill run`."""
    rate = done / max(time.time() - since, 1e-6)
    left = (total - done) / rate if rate else float("inf")
    log.info("%s %d of %d, %.1f/s, %.0f s left", what, done, total, rate, left)


def _write(path: Path, report: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(json.dumps(report, indent=1, default=str))
    beside.replace(path)


def main(job: type[Job], argv: list[str] | None = None) -> int:
    """Run one job from its command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog=f"python -m {job.__module__}", description=job.__doc__)
    parser.add_argument("--spec", type=Path, required=True, help="JSON file with the fields of the job")
    parser.add_argument("--report", type=Path, required=True, help="JSON file to write when it ends")
    args = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(asctime)s %(levelname)s %(message)s")
    report: dict[str, Any] = {"ok": False, "job": job.__module__, "started": psutil.Process().create_time()}
    code = BUG
    try:
        report["result"] = _parse(job, args.spec).run()
        report["ok"], code = True, DONE
    except NightfillError as error:
        code = EXIT_TRY_AGAIN if isinstance(error, TryAgain) else EXIT_REFUSED
        report["error"] = {"what": error.what, "todo": error.todo}
        log.error("%s", error)
    except BaseException as error:
        report["error"] = {"what": f"{type(error).__name__}: {error}", "todo": "Read the log above; this is a defect"}
        traceback.print_exc()
    report |= {"code": code, "ended": time.time()}
    _write(args.report, report)
    return code


def _parse(job: type[Job], path: Path) -> Job:
    try:
        return job.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise Refused(f"There is no spec at {path}", "Give the path of a JSON file") from None
    except ValidationError as error:
        lines = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'spec'}: {e['msg']}" for e in error.errors())
        raise Refused(f"The spec of {job.__name__} is wrong: {lines}", "Correct the fields") from error
