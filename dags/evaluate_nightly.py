"""
### Say in the morning how well the shelves sold

Joins what was shown with what was bought by the end of the night, measures every model against popularity and habit with
intervals, writes the morning report, and raises an alarm when the stable model has got worse. An answer of night n has
matured at the end of night n + 7.
"""

from airflow.sdk import DAG, Param

from include import recipes
from nightfill.defaults import DAG_DEFAULTS, START, Tag, night_param
from nightfill.operators.alarm import AlarmOperator
from nightfill.operators.job import JobOperator

SPEC = {"surface": "{{ params.surface }}", "night": "{{ run_night(params.dt) }}"}

with DAG(
    dag_id="evaluate_nightly",
    schedule=None,
    start_date=START,
    doc_md=__doc__,
    tags=[Tag.EVALUATION],
    params={
        "dt": night_param("Judge what has matured by the end of this night."),
        "surface": Param("home", type="string", enum=recipes.surfaces(), title="Surface", description="Which shelf."),
    },
    **DAG_DEFAULTS,
):
    join = JobOperator(task_id="join_outcomes", job="join_outcomes", spec=SPEC)
    measure = JobOperator(task_id="measure_night", job="measure_night", spec=SPEC)
    report = JobOperator(task_id="write_report", job="write_report", spec=SPEC)
    alarm = AlarmOperator(task_id="raise_alarm", measures="{{ ti.xcom_pull(task_ids='measure_night') }}")
    join >> measure >> report >> alarm
