"""Read a task's log as Airflow 3 writes it: one JSON object a line, one file an attempt."""

import json
import re
from pathlib import Path

from include.settings import Settings

_PROGRESS = re.compile(r"(?P<what>[^\s:].*?) \d+ of \d+, [\d.]+/s, \S+ s left$")
_STAMP = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+ [A-Z]+ ")
_NOISE = ("::group::", "::endgroup::")


def attempt_files(settings: Settings, dag_id: str, run_id: str, task_id: str) -> list[Path]:
    """Log files of all attempts, oldest first; what a trigger wrote while the task was deferred lies beside them."""
    folder = settings.airflow_home / "logs" / f"dag_id={dag_id}" / f"run_id={run_id}" / f"task_id={task_id}"
    return sorted(folder.glob("attempt=*.log*"), key=lambda path: (_number(path), path.stat().st_mtime))


def lines(settings: Settings, dag_id: str, run_id: str, task_id: str) -> list[str]:
    """What the last attempt said, without Airflow's own folding marks."""
    files = attempt_files(settings, dag_id, run_id, task_id)
    last = [path for path in files if _number(path) == _number(files[-1])]
    return [text for path in last for raw in path.read_text(errors="replace").splitlines() for text in _texts(raw)]


def last_progress(found: list[str]) -> str:
    """The newest line like `households 12 of 300, 4.0/s, 72 s left`; empty when there is none."""
    for text in reversed(found):
        if match := _PROGRESS.search(_STAMP.sub("", text)):
            return match.group(0)
    return ""


def _texts(raw: str) -> list[str]:
    try:
        entry = json.loads(raw)
    except ValueError:
        return [raw]
    if not isinstance(entry, dict):
        return [raw]
    event = str(entry.get("event", ""))
    if event.startswith(_NOISE):
        return []
    return [*event.splitlines(), *_errors(entry)]


def _errors(entry: dict[str, object]) -> list[str]:
    """The last frames of an exception are in a field of their own."""
    details = entry.get("error_detail")
    if not isinstance(details, list):
        return []
    return [f"{item.get('exc_type')}: {item.get('exc_value')}" for item in details if isinstance(item, dict)]


def _number(path: Path) -> int:
    found = re.match(r"attempt=(\d+)", path.name)
    return int(found.group(1)) if found else 0
