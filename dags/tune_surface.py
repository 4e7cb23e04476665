"""
### Search for a recipe's best values

Trains a recipe with other learning rates, layers, epochs and so on, as its space in `include/recipes` allows, and judges each
trial on the weeks right before the gate weeks, as the gates would: no gate judges what was chosen on its own weeks. The first
trial is the recipe as it is, the next what the last night's search found.

* **grid**, **random**, **bayes** (tree of Parzen estimators) or **halving** (many short trainings, the better half goes on).
* Trials are mapped tasks, in eight rounds; each round learns from those before. A run that is killed or cleared repeats no
  trial that has ended.
* `minutes` is what all trials together may take, measured by the clock and summed; a training that goes beyond is broken off.

The last task writes the table of trials into its log and report, and keeps the best values in the store. Nothing uses them
unasked: tick `tuned` when you trigger `train_<surface>`; the gates then judge that model like any other.
"""

from typing import Any

from airflow.sdk import DAG, Param, TriggerRule

from include import recipes
from nightfill.defaults import DAG_DEFAULTS, START, Pool, Queue, Tag, night_param
from nightfill.operators.job import JobOperator

ROUNDS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")
WAYS = ["bayes", "random", "grid", "halving"]


def tune(surface: str, names: list[str]) -> DAG:
    """The search of one surface."""
    spec = {name: f"{{{{ params.{name} }}}}" for name in ("recipe", "way", "trials", "minutes")}
    spec |= {"surface": surface, "night": "{{ run_night(params.dt) }}"}
    with DAG(
        dag_id=f"tune_{surface}",
        schedule=None,
        start_date=START,
        doc_md=__doc__,
        tags=[Tag.TRAINING, surface],
        params={
            "dt": night_param("Search for the model of this night; its gate weeks are not looked at."),
            "recipe": Param(names[0], type="string", enum=names, title="Recipe", description="Which recipe's values."),
            "way": Param(WAYS[0], type="string", enum=WAYS, title="Way", description="How values are chosen."),
            "trials": Param(16, type="integer", minimum=2, maximum=64, title="Trials", description="At most so many."),
            "minutes": Param(
                30, type="number", exclusiveMinimum=0, maximum=1440, title="Minutes", description="Of all trials together."
            ),
        },
        **DAG_DEFAULTS,
    ) as dag:
        last: Any = JobOperator(task_id="assemble_trials", job="assemble_trials", spec=spec)
        for number, name in enumerate(ROUNDS, 1):
            suggest = JobOperator(
                task_id=f"suggest_{name}",
                job="suggest_trials",
                spec=spec | {"number": number},
                only="trials",
                trigger_rule=TriggerRule.NONE_FAILED,
            )
            run = JobOperator.partial(task_id=f"run_{name}", job="run_trial", pool=Pool.GPU, queue=Queue.GPU)
            trials = run.expand(spec=suggest.output)
            last >> suggest >> trials
            last = trials
        choose = JobOperator(task_id="choose_trial", job="choose_trial", spec=spec, trigger_rule=TriggerRule.NONE_FAILED)
        last >> choose
    return dag


for surface in recipes.surfaces():
    if names := recipes.searchable(surface):
        globals()[f"tune_{surface}"] = tune(surface, names)
