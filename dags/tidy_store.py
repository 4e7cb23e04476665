"""
### Let go of what nothing needs any more

Old answers, partitions and models that nothing in use names, bytes that no manifest names, folders of runs that ended weeks
ago, uploads that nobody finished. What serves, is pinned, is under release, was put within the last day, or is named by
anything that stays is never touched; while a job is at work, partitions and models wait for the next time.

Every day at noon (UTC), away from the night, while the shop's calendar lasts; on recorded nights it is asked for by hand.
`dry_run` only tells what would go; `nightfill tidy --dry-run` lists it.
"""

from airflow.sdk import DAG, CronTriggerTimetable, Param

from nightfill.defaults import DAG_DEFAULTS, END, START, Tag
from nightfill.operators.job import JobOperator

with DAG(
    dag_id="tidy_store",
    schedule=CronTriggerTimetable("0 12 * * *", timezone="UTC"),
    start_date=START,
    end_date=END,
    doc_md=__doc__,
    tags=[Tag.EVALUATION],
    params={"dry_run": Param(False, type="boolean", title="Dry run", description="Only say what would go.")},
    **DAG_DEFAULTS,
):
    JobOperator(task_id="tidy_store", job="tidy_store", spec={"dry_run": "{{ params.dry_run }}"})
