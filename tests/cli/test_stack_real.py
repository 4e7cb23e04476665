"""Airflow for real: healthy, private, each program restarts alone, an interrupted task continues, nothing is left."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from include.cli import airflow_stack, holders, stack
from include.cli.airflow_api import DONE
from include.serving import processes
from include.settings import ROOT, Settings
from tests.ports import free_base

pytestmark = pytest.mark.slow

SLEEPER = '''
"""A task that takes its time, and one after it."""
import time
from datetime import timedelta
from airflow.sdk import dag, task

@dag(schedule=None, is_paused_upon_creation=False, default_args={"retries": 3, "retry_delay": timedelta(seconds=1)})
def sleeper():
    @task
    def nap():
        time.sleep(12)
    @task
    def wake():
        print("awake")
    nap() >> wake()

sleeper()
'''


def until(done: Callable[[], bool], seconds: float, what: str) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, what
        time.sleep(0.3)


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Airflow alone, with a DAG folder of its own, in the state of an interrupted night: its task was cut off."""
    settings = Settings(var=tmp_path_factory.mktemp("var"), port_base=free_base())
    dags = settings.var / "dags"
    dags.mkdir()
    (dags / "sleeper.py").write_text(SLEEPER)
    before = dict(os.environ)
    try:
        start(settings)
        api = stack.client(settings)
        until(lambda: api.dag("sleeper") is not None, 60, "the DAG is not read")
        api.trigger("sleeper", "recorded__sleeper", {})
        until(lambda: any(t["state"] == "running" for t in api.tasks("sleeper", "recorded__sleeper")), 60, "no task runs")
        for pid in holders.members(settings.var):
            os.kill(pid, signal.SIGKILL)
        until(lambda: not holders.members(settings.var), 20, "processes are left")
        start(settings)
        yield settings
    finally:
        stack.stop(settings)
        os.environ.clear()
        os.environ.update(before)
    assert holders.members(settings.var) == []


def start(settings: Settings) -> None:
    airflow_stack.configure(settings)
    path = settings.airflow_home / "airflow.cfg"
    text = path.read_text().replace(str(ROOT / "dags"), str(settings.var / "dags"))
    airflow_stack.write_private(path, text.replace(str(ROOT / "plugins"), str(settings.var / "plugins")))
    airflow_stack.migrate(settings)
    stack.mark_children(settings)
    processes.start(settings, airflow_stack.programs(settings), local=False)
    airflow_stack.wait_healthy(settings)


def test_a_night_cut_off_by_a_power_failure_continues_by_itself(airflow: Settings) -> None:
    api = stack.client(airflow)
    until(lambda: (api.run("sleeper", "recorded__sleeper") or {}).get("state") in DONE, 180, "the run did not end")
    assert [task["state"] for task in api.tasks("sleeper", "recorded__sleeper")] == ["success", "success"]


def test_everything_listens_on_the_loopback_only(airflow: Settings) -> None:
    inodes = {link for pid in holders.members(airflow.var) for link in sockets_of(pid)}
    for table in ("tcp", "tcp6"):
        for row in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            cells = row.split()
            if cells[3] == "0A" and f"socket:[{cells[9]}]" in inodes:
                assert cells[1].startswith("0100007F:"), row


def sockets_of(pid: int) -> set[str]:
    try:
        return {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()}
    except OSError:
        return set()


def test_no_secret_is_in_a_log(airflow: Settings) -> None:
    secrets = [value.encode() for value in airflow_stack.read_secrets(airflow.airflow_home / "airflow.cfg").values()]
    secrets.append(airflow_stack.password(airflow).encode())
    for folder in (airflow.var / "logs", airflow.airflow_home / "logs"):
        for path in folder.rglob("*.log*"):
            data = path.read_bytes()
            assert not [path for secret in secrets if secret in data]


def test_pools_are_made_once_and_keep_a_size_that_a_person_chose(airflow: Settings) -> None:
    api = stack.client(airflow)
    stack.make_pools(airflow)
    assert api.pool_slots("serving_rollout") == 1
    api.put_pool("serving_rollout", 5, "another")
    assert api.pool_slots("serving_rollout") == 1


def test_a_program_that_dies_is_started_again_alone(airflow: Settings) -> None:
    before = {one.name: one.pid for one in processes.status(airflow)}
    os.kill(before["triggerer"], signal.SIGKILL)
    until(
        lambda: {one.name: one.pid for one in processes.status(airflow)}["triggerer"] not in (0, before["triggerer"]),
        30,
        "stays dead",
    )
    after = {one.name: one.pid for one in processes.status(airflow)}
    assert {name for name in before if before[name] != after[name]} == {"triggerer"}
