"""
### Let the night's candidate earn its traffic

The bundle is checked in a sandbox server, answers beside stable in a shadow (quality: a paired test by household), then
gets 5, 25, 50 and 100 percent of the households (safety: errors, bad answers and slowness, also those that the gateway's
retries hide from shoppers). Every verdict has a reason that a person can read, and only PROMOTE changes what is stable.

HOLD, ROLL_BACK and REFUSE are honest ends of a release: the run is a success, and stable goes on answering.

`nightfill drill` sends models through here that it has spoilt on purpose. They are on a list of their own, no night finds
them, and none can be promoted.
"""

from airflow.sdk import DAG, Param

from include import recipes
from include.rollout.steps import Do
from nightfill.defaults import DAG_DEFAULTS, START, Pool, Tag, night_param
from nightfill.operators.job import JobOperator
from nightfill.operators.ramp import RampOperator
from nightfill.operators.release import EndReleaseOperator, OpenReleaseOperator, ReleaseJobOperator

DRILL = Param(
    None,
    type=["null", "string"],
    pattern="^[0-9a-f]{16}$",
    title="Drill",
    description="Name of a model that `nightfill drill` has spoilt, to be released instead; it can never be promoted.",
)


def release(surface: str) -> DAG:
    """The release DAG of one surface."""
    with DAG(
        dag_id=f"release_{surface}",
        schedule=None,
        start_date=START,
        doc_md=__doc__,
        tags=[Tag.RELEASE, surface],
        params={"dt": night_param("Release the newest candidate of this night."), "drill": DRILL},
        **DAG_DEFAULTS,
    ) as dag:
        night = "{{ run_night(params.dt) }}"
        begin = OpenReleaseOperator(task_id="open_release", surface=surface, night=night, drilled="{{ params.drill }}")
        check = ReleaseJobOperator(
            task_id="check_bundle",
            job="check_bundle",
            surface=surface,
            step=Do.CHECK,
            fields=("surface", "version"),
            verdict=True,
        )
        shadow = ReleaseJobOperator(
            task_id="replay_shadow",
            job="replay_shoppers",
            surface=surface,
            step=Do.SHADOW,
            fields=("surface", "night", "first", "last", "run_id"),
            spec={"mode": "shadow"},
            deploy="shadow",
            pool=Pool.ROLLOUT,
        )
        judge = ReleaseJobOperator(
            task_id="judge_shadow",
            job="judge_shadow",
            surface=surface,
            step=Do.SHADOW,
            fields=("surface", "release", "night", "run_id"),
            verdict=True,
            traffic="replay_shadow",
        )
        ramp = RampOperator(task_id="ramp_canary", surface=surface, pool=Pool.ROLLOUT)
        end = EndReleaseOperator(task_id="end_release", surface=surface, trigger_rule="all_done", pool=Pool.ROLLOUT)
        verify = JobOperator(task_id="verify_serving", job="verify_serving", spec={"surface": surface})
        begin >> check >> shadow >> judge >> ramp >> end >> verify
    return dag


for name in recipes.surfaces():
    globals()[f"release_{name}"] = release(name)
