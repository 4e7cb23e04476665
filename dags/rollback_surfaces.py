"""
### Go back to an earlier version, by hand

For the morning on which the shelves look wrong. The surface is pinned to the version at once, which ends a release that is
under way; the version comes up on every stable replica without a failed request; the pointer moves; what serves is
verified. The surface stays pinned until somebody takes the pin off (`nightfill unpin`, or the page **Releases**).

`nightfill rollback home` and the page **Releases** trigger this DAG; the log of `roll_back` says who asked and why.
"""

import datetime as dt

from airflow.sdk import DAG, Param

from include import recipes
from nightfill.defaults import DAG_DEFAULTS, START, Tag
from nightfill.operators.job import JobOperator
from nightfill.operators.rollback import RollBackOperator


def go_back(surface: str) -> DAG:
    """The DAG of one surface."""
    with DAG(
        dag_id=f"rollback_{surface}",
        schedule=None,
        start_date=START,
        doc_md=__doc__,
        tags=[Tag.RELEASE, surface],
        params={
            "version": Param(
                None, type=["null", "integer"], minimum=0, title="Version", description="Empty: what served before."
            ),
            "why": Param(type="string", minLength=3, maxLength=250, title="Why", description="The reason, for the record."),
            "by": Param("", type="string", maxLength=100, title="Who", description="Empty: who triggers the run."),
            "epoch": Param(None, type=["null", "integer"], title="Seen", description="Only while stable is at this epoch."),
        },
        **DAG_DEFAULTS,
    ) as dag:
        back = RollBackOperator(
            task_id="roll_back",
            surface=surface,
            version="{{ params.version }}",
            why="{{ params.why }}",
            by="{{ params.by }}",
            epoch="{{ params.epoch }}",
            retries=30,
            retry_delay=dt.timedelta(seconds=10),
            retry_exponential_backoff=0,
        )
        verify = JobOperator(task_id="verify_serving", job="verify_serving", spec={"surface": surface})
        back >> verify
    return dag


for name in recipes.surfaces():
    globals()[f"rollback_{name}"] = go_back(name)
