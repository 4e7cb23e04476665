"""What every DAG of Nightfill has in common: default arguments, tags, pools and the parameters of the trigger form."""

import datetime as dt
from enum import StrEnum
from typing import Any

from airflow.sdk import Param

from include.errors import Refused
from include.nights import parse
from include.settings import Settings
from include.source_days import data_days
from nightfill.notifications import notify_failure

START, END = (dt.datetime.combine(day, dt.time(), dt.UTC) for day in data_days(Settings.load().source))


class Tag(StrEnum):
    """The closed list of tags."""

    FEATURES = "features"
    TRAINING = "training"
    RELEASE = "release"
    EVALUATION = "evaluation"


class Pool(StrEnum):
    """Pools by scarce thing. They limit load; exclusion is the lease in the store."""

    SPARK = "spark"
    SPARK_BACKFILL = "spark_backfill"
    GPU = "gpu"
    ROLLOUT = "serving_rollout"


class Queue(StrEnum):
    """Queues by kind of machine: Celery workers choose theirs, and on one machine they mean nothing."""

    GPU = "gpu"


DEFAULT_ARGS: dict[str, Any] = {
    "owner": "nightfill",
    "retries": 2,
    "retry_delay": dt.timedelta(seconds=5),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": dt.timedelta(minutes=1),
    "execution_timeout": dt.timedelta(hours=1),
    "on_failure_callback": notify_failure,
}


def night_param(description: str) -> Param:
    """A date in the trigger form. Empty means the night of the run's own data interval."""
    return Param(None, type=["null", "string"], format="date", title="Night", description=description)


def run_night(value: str | None, context_ds: str | None = None) -> str:
    """The night a run is about: what was asked for, else the run's own. Jinja macro of every DAG.

    Raises:
        Refused: no date, or none that is a calendar date.
    """
    asked = str(value or context_ds or "").strip()
    if not asked:
        raise Refused(
            "The field Night of the trigger form is empty, and this run has no date of its own",
            "Trigger it again with a night in that field, for example 2017-10-29",
        )
    try:
        return parse(asked).isoformat()
    except Refused as wrong:
        raise Refused(f"The field Night holds no date: {wrong.what}", wrong.todo) from wrong


DAG_DEFAULTS: dict[str, Any] = {
    "default_args": DEFAULT_ARGS,
    "catchup": False,
    "max_active_runs": 1,
    "is_paused_upon_creation": False,
    "user_defined_macros": {"run_night": run_night},
    "render_template_as_native_obj": True,
}
