"""
### Train a candidate for one surface

Assembles the training set as known on the night, trains (on a GPU when there is one), compresses, holds the result
against the champion and the baselines on the last matured weeks, and registers it as a candidate. One DAG for each
surface, made from its recipes: one bad surface cannot stop another. With `tuned` the recipe takes the values that the newest
`tune_<surface>` of this night or before has chosen; the model's card says so.
"""

from typing import Any

from airflow.sdk import DAG, AssetAlias, Context, Param

from include import recipes
from nightfill.assets import candidate
from nightfill.defaults import DAG_DEFAULTS, START, Pool, Queue, Tag, night_param
from nightfill.operators.job import JobOperator


def describe_candidate(result: dict[str, Any], context: Context) -> tuple[Any, dict[str, Any]]:
    """The event of a registered candidate."""
    return candidate(result["surface"]), {"version": result["version"], "model": result["name"], "night": result["night"]}


def train(surface: str) -> DAG:
    """The training DAG of one surface."""
    trainable = [name for name in recipes.names(surface) if name != "popularity"]
    spec = {"surface": surface, "recipe": "{{ params.recipe }}", "night": "{{ run_night(params.dt) }}"}
    with DAG(
        dag_id=f"train_{surface}",
        schedule=None,
        start_date=START,
        doc_md=__doc__,
        tags=[Tag.TRAINING, surface],
        params={
            "dt": night_param("Train on what was known at the end of this night."),
            "recipe": Param(trainable[0], type="string", enum=trainable, title="Recipe", description="Which model to train."),
            "tuned": Param(False, type="boolean", title="Tuned", description="With the values that the last search chose."),
        },
        **DAG_DEFAULTS,
    ) as dag:
        assemble = JobOperator(
            task_id="assemble_examples", job="assemble_examples", spec=spec | {"tuned": "{{ params.tuned }}"}
        )
        fit = JobOperator(task_id="train_model", job="train_model", spec=spec, pool=Pool.GPU, queue=Queue.GPU)
        compress = JobOperator(task_id="compress_model", job="compress_model", spec=spec)
        judge = JobOperator(task_id="judge_candidate", job="judge_candidate", spec=spec)
        register = JobOperator(
            task_id="register_candidate",
            job="register_candidate",
            spec=spec,
            verdict_of="judge_candidate",
            outlets=[AssetAlias(f"candidates_of_{surface}")],
            describe=describe_candidate,
        )
        assemble >> fit >> compress >> judge >> register
    return dag


for name in recipes.surfaces():
    globals()[f"train_{name}"] = train(name)
