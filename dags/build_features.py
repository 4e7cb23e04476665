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

A nightly run tells the asset `features`; range and backfill runs tell its twin, on which nothing is scheduled.
"""

from typing import Any

from airflow.sdk import DAG, AssetAlias, Context, CronDataIntervalTimetable, Param, TriggerRule

from nightfill.assets import features, features_backfill
from nightfill.defaults import DAG_DEFAULTS, END, START, Pool, Tag, night_param
from nightfill.operators.job import JobOperator

FIRST = "{{ run_night(params.start, ds | default(none)) }}"
LAST = "{{ run_night(params.end or params.start, ds | default(none)) }}"
RANGE = {"first": FIRST, "last": LAST}


def describe_features(result: dict[str, Any], context: Context) -> tuple[Any, dict[str, Any]]:
    """A scheduled or single manual night goes to the nightly asset, everything else to the twin."""
    run = context["dag_run"]
    many = result["first"] != result["last"] or run.run_type == "backfill"
    return (features_backfill() if many else features()), {"night": result["last"], "digest": result["digest"]}


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
    **DAG_DEFAULTS,
):
    land = JobOperator(task_id="land_events", job="land_events", spec=RANGE, unless="{{ params.plan_only }}")
    plan = JobOperator(task_id="plan_features", job="plan_nights", spec=RANGE, trigger_rule=TriggerRule.ALL_SKIPPED)
    validate_raw = JobOperator(task_id="validate_raw", job="validate_raw", spec=RANGE)
    compute = JobOperator(task_id="compute_features", job="build_features", spec=RANGE, pool=Pool.SPARK)
    validate = JobOperator(task_id="validate_features", job="validate_features", spec=RANGE)
    publish = JobOperator(
        task_id="publish_features",
        job="publish_features",
        spec=RANGE,
        outlets=[AssetAlias("features_of_a_run")],
        describe=describe_features,
    )
    land >> plan
    land >> validate_raw >> compute >> validate >> publish
