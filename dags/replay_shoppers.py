"""
### Replay the next day's shoppers through the gateway

On recorded purchases nobody knocks at the door: the replay clock sends the households that shopped on the day after the
night, asks for their shelf with the features of the night, and writes every answer to the answer log. What they bought is
handed out later, when it has matured.
"""

from airflow.sdk import DAG, Param

from include import recipes
from nightfill.defaults import DAG_DEFAULTS, START, Tag, night_param
from nightfill.operators.job import JobOperator

with DAG(
    dag_id="replay_shoppers",
    schedule=None,
    start_date=START,
    doc_md=__doc__,
    tags=[Tag.EVALUATION],
    params={
        "dt": night_param("The night whose features answer; the households are those of the next day."),
        "surface": Param("home", type="string", enum=recipes.surfaces(), title="Surface", description="Which shelf."),
    },
    **DAG_DEFAULTS,
):
    JobOperator(
        task_id="replay_day",
        job="replay_shoppers",
        spec={"surface": "{{ params.surface }}", "night": "{{ run_night(params.dt) }}", "mode": "shop"},
    )
