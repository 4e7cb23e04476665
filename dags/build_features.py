"""
### Rebuild the shelves' features for one night, or for a range of nights

Lands the day's events, checks them, computes features in Spark, checks those, and makes the night's partitions
visible in one step. A night whose inputs have not changed is skipped, and the log says why.

* **One night**: leave the form empty on a scheduled or backfill run, or give `start`.
* **Range mode**: give `start` and `end`; one Spark job builds all nights and every byte is the same as night by night.
* **Backfill**: `nightfill backfill 2017-02-01 2017-02-07`, or `airflow backfill create --dag-id build_features
  --from-date 2017-02-01 --to-date 2017-02-08` (nights begin at 05:00 UTC, so the last date is the day after).
* **Plan only**: tick `plan_only`, with `start` and `end`, to be told what would run, what is left alone and why; the run
  ends after `plan_features` and changes nothing.

* **Quarantine**: a night whose events cannot be trusted is published without them, so that what comes after it works on
  with the last good partitions, and the last task fails and says why. `nightfill accept NIGHT --reason "..."` releases it,
  or a corrected delivery.

A nightly run tells the asset `features`; range and backfill runs tell its twin, on which nothing is scheduled.

* **Late lines**: a night may deliver lines of earlier days, and corrections. They count from that night on, and no older
  partition changes. A day of which more than `NIGHTFILL_LATE_SHARE` came late asks to be reopened: the asset `reopen` gets
  an event with the days and their shares, on which nothing is scheduled.
"""

from typing import Any

from airflow.sdk import DAG, AssetAlias, Context, CronDataIntervalTimetable, Param, TriggerRule

from nightfill.assets import features, features_backfill, reopen
from nightfill.defaults import DAG_DEFAULTS, END, START, Pool, Tag, night_param
from nightfill.operators.check import CheckOperator, QuarantineOperator
from nightfill.operators.job import JobOperator

FIRST = "{{ run_night(params.start, ds | default(none)) }}"
LAST = "{{ run_night(params.end or params.start, ds | default(none)) }}"
RANGE = {"first": FIRST, "last": LAST}
PATIENCE = "{{ 900 if dag_run.run_type == 'backfill' else 300 }}"
"""Seconds to wait for the night before: a backfill lands and checks some nights ahead, and nights can be asked for at once."""
AT_ONCE = 4
"""Runs at once, so that tonight does not wait for the end of a range. A backfill's runs are counted apart. Two runs of one
night are no danger: the store keeps apart what they publish."""


def describe_features(result: dict[str, Any], context: Context) -> tuple[Any, dict[str, Any]]:
    """A scheduled or single manual night goes to the nightly asset, everything else to the twin."""
    run = context["dag_run"]
    many = result["first"] != result["last"] or run.run_type == "backfill"
    return (features_backfill() if many else features()), {"night": result["last"], "digest": result["digest"]}


def describe_late(result: dict[str, Any], context: Context) -> tuple[Any, dict[str, Any]] | None:
    """Days of which too much came late ask to be reopened."""
    return (reopen(), {"night": result["last"], "shares": result["reopen"]}) if result.get("reopen") else None


with DAG(
    dag_id="build_features",
    schedule=CronDataIntervalTimetable("0 5 * * *", timezone="UTC"),
    start_date=START,
    end_date=END,
    doc_md=__doc__,
    tags=[Tag.FEATURES],
    params={
        "start": night_param("First night. Empty: the night of the run's own date."),
        "end": night_param("Last night of a range. Empty: the same as start."),
        "plan_only": Param(False, type="boolean", title="Plan only", description="Say what would run and why; do nothing."),
    },
    **DAG_DEFAULTS | {"max_active_runs": AT_ONCE},
):
    land = JobOperator(
        task_id="land_events",
        job="land_events",
        spec=RANGE,
        unless="{{ params.plan_only }}",
        outlets=[AssetAlias("late_days_of_a_run")],
        describe=describe_late,
    )
    plan = JobOperator(task_id="plan_features", job="plan_nights", spec=RANGE, trigger_rule=TriggerRule.ALL_SKIPPED)
    validate_raw = CheckOperator(task_id="validate_raw", job="validate_raw", spec=RANGE)
    compute = JobOperator(
        task_id="compute_features", job="build_features", spec=RANGE | {"patience": PATIENCE}, pool=Pool.SPARK
    )
    validate = CheckOperator(task_id="validate_features", job="validate_features", spec=RANGE)
    publish = JobOperator(
        task_id="publish_features",
        job="publish_features",
        spec=RANGE,
        outlets=[AssetAlias("features_of_a_run")],
        describe=describe_features,
    )
    land >> plan
    quarantine = QuarantineOperator(task_id="report_quarantine", **RANGE)
    land >> validate_raw >> compute >> validate >> publish >> quarantine
