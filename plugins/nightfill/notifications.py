"""Tell people: one JSON post to NIGHTFILL_WEBHOOK and one e-mail to NIGHTFILL_EMAIL_TO, where these are set.

Nothing here raises: a broken webhook or mail server must not change a task's fate.
"""

import json
import logging
import urllib.request
from typing import Any

from include import mail
from include.errors import NightfillError
from include.rollout.record import Record
from include.rollout.verdict import Kind
from include.settings import Settings

log = logging.getLogger(__name__)

WORDS = {Kind.ROLL_BACK: "was rolled back", Kind.REFUSE: "was refused", Kind.HOLD: "was held back"}
"""Ends of a release that somebody is told of."""


def post(body: dict[str, Any]) -> bool:
    """Post a message to the webhook and mail its text. Returns whether anybody took it."""
    settings = Settings.load()
    taken = [bool(settings.webhook) and _webhook(settings.webhook, body), bool(settings.email_to) and _mail(settings, body)]
    return any(taken)


def tell(text: str, context: Any, **more: Any) -> bool:
    """Post a sentence, with the task that says it."""
    task = context["ti"]
    return post({"text": text, "dag_id": task.dag_id, "task_id": task.task_id, "run_id": task.run_id} | more)


def tell_release(record: Record, context: Any) -> bool:
    """Tell of a release that did not end with PROMOTE; a drill's end is nobody's news."""
    word = WORDS.get(record.verdict) if record.verdict and not record.drill else None
    if not word:
        return False
    text = f"Release of {record.surface} version {record.candidate_version} {word}: {record.reason}"
    return tell(text, context, verdict=str(record.verdict), release=record.release)


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


def _webhook(url: str, body: dict[str, Any]) -> bool:
    try:
        request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=5) as answer:
            return 200 <= answer.status < 300
    except (OSError, ValueError) as problem:
        log.warning("The webhook could not be reached: %s", type(problem).__name__)
        return False


def _mail(settings: Settings, body: dict[str, Any]) -> bool:
    details = "\n".join(f"{name}: {value}" for name, value in body.items() if name != "text")
    try:
        mail.send(settings, f"Nightfill: {str(body['text'])[:120]}", f"{body['text']}\n\n{details}\n")
    except NightfillError as problem:
        log.warning("The e-mail was not sent: %s", problem)
        return False
    return True
