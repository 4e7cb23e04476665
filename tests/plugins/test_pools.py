"""Which pool a Spark task queues in: backfills and ranges never stand before tonight."""

from types import SimpleNamespace

import pytest

from config.airflow_local_settings import task_instance_mutation_hook
from include.cli.airflow_stack import POOLS
from nightfill.defaults import Pool


def pool_of(run_id: str, conf: dict | None, pool: str = "spark") -> str:
    task = SimpleNamespace(pool=pool, run_id=run_id)
    task_instance_mutation_hook(task, dag_run=SimpleNamespace(conf=conf))
    return task.pool


@pytest.mark.parametrize(
    "run_id, conf, pool",
    [
        ("scheduled__2017-03-08", None, "spark"),
        ("manual__1", {"start": "2017-03-08", "end": None}, "spark"),
        ("manual__1", {"start": "2017-03-08", "end": "2017-03-09"}, "spark_backfill"),
        ("backfill__2017-03-08", {}, "spark_backfill"),
    ],
)
def test_only_tonight_takes_the_pool_of_tonight(run_id, conf, pool):
    assert pool_of(run_id, conf) == pool


def test_other_tasks_stay_where_they_are():
    assert pool_of("backfill__2017-03-08", {}, "default_pool") == "default_pool"


def test_a_task_without_a_run_stays_in_its_pool():
    task = SimpleNamespace(pool="spark", run_id="scheduled__2017-03-08")
    task_instance_mutation_hook(task)
    assert task.pool == "spark"


def test_the_stack_makes_every_pool_that_a_task_can_name():
    assert set(Pool) == set(POOLS)
