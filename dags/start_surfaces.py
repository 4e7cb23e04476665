"""
### Open a surface with its popularity model

Version 0 of a surface ranks by recent popularity and needs no training: it answers until a trained model has beaten it in
a release. On a surface that already has a stable version this only makes sure that it is served.
"""

from airflow.sdk import DAG

from include import recipes
from nightfill.defaults import DAG_DEFAULTS, START, Pool, Tag, night_param
from nightfill.operators.job import JobOperator
from nightfill.operators.serve import ServeFirstOperator


def start(surface: str) -> DAG:
    """The opening DAG of one surface."""
    with DAG(
        dag_id=f"start_{surface}",
        schedule=None,
        start_date=START,
        doc_md=__doc__,
        tags=[Tag.RELEASE, surface],
        params={"dt": night_param("Popularity as known at the end of this night.")},
        **DAG_DEFAULTS,
    ) as dag:
        night = "{{ run_night(params.dt) }}"
        seed = JobOperator(task_id="seed_popularity", job="seed_popularity", spec={"surface": surface, "night": night})
        serve = ServeFirstOperator(
            task_id="serve_popularity",
            surface=surface,
            version="{{ ti.xcom_pull(task_ids='seed_popularity')['version'] }}",
            night=night,
            pool=Pool.ROLLOUT,
        )
        verify = JobOperator(task_id="verify_serving", job="verify_serving", spec={"surface": surface})
        seed >> serve >> verify
    return dag


for name in recipes.surfaces():
    globals()[f"start_{name}"] = start(name)
