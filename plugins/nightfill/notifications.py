"""Tell people: one JSON post to the webhook in NIGHTFILL_WEBHOOK, when there is one."""

import json
import logging
import urllib.request
from typing import Any

from include.settings import Settings

log = logging.getLogger(__name__)


def post(body: dict[str, Any]) -> bool:
    """Post a message. Never raises: a broken webhook must not change a task's fate. Returns whether it was taken."""
    url = Settings.load().webhook
    if not url:
        return False
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return 200 <= answer.status < 300
    except (OSError, ValueError) as problem:
        log.warning("The webhook could not be reached: %s", type(problem).__name__)
        return False


def notify_failure(context: Any) -> None:
    """Failure callback of every task."""
    task = context["task_instance"]
    error = str(context.get("exception") or "")[:500]
    post(
        {
            "text": f"{task.dag_id}.{task.task_id} failed: {error}",
            "dag_id": task.dag_id,
            "task_id": task.task_id,
            "run_id": task.run_id,
            "try_number": task.try_number,
            "error": error,
        }
    )
