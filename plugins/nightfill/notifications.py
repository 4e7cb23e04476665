"""Tell people when a task has failed for good: one JSON post to the webhook in NIGHTFILL_WEBHOOK."""

import json
import logging
import urllib.request
from typing import Any

from include.settings import Settings

log = logging.getLogger(__name__)


def notify_failure(context: Any) -> None:
    """Post what failed. Never raises: a broken webhook must not change a task's fate."""
    url = Settings.load().webhook
    if not url:
        return
    task = context["task_instance"]
    error = str(context.get("exception") or "")[:500]
    body = {
        "text": f"{task.dag_id}.{task.task_id} failed: {error}",
        "dag_id": task.dag_id,
        "task_id": task.task_id,
        "run_id": task.run_id,
        "try_number": task.try_number,
        "error": error,
    }
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            log.info("Webhook told of the failure, it answered %s", answer.status)
    except OSError as problem:
        log.warning("The webhook could not be told of the failure: %s", type(problem).__name__)
