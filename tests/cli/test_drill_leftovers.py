"""What an interrupted drill leaves, and how the next one clears it away."""

import time

import pytest

from include.cli.drill import Drills
from include.cli.terminal import Screen
from include.errors import Refused, TryAgain
from include.rollout import lease, registry
from include.settings import Settings

RELEASE = "drill__release_home__nan-delayed__1"


class Airflow:
    """Knows one release and its state."""

    def __init__(self, state: str) -> None:
        self.state = state

    def run(self, dag_id, run_id):
        return {"state": self.state} if (dag_id, run_id) == ("release_home", RELEASE) else None

    def close(self):
        pass


@pytest.fixture
def drills(tmp_path):
    made = Drills(Settings(var=tmp_path), "home", Screen())
    made.api.close()
    for name in ("a" * 16, "b" * 16):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "saved_model.pb").write_bytes(name.encode())
        registry.register(made.store, "home", folder, name, {"drill": "nan delayed"}, {})
    made.made = {"drills": [{"name": "a" * 16}, {"name": "b" * 16}]}
    return made


def listed(drills) -> list[str]:
    return [entry["name"][0] for entry in registry.drills(drills.store, "home")]


def test_a_release_under_way_keeps_its_model_when_the_command_is_interrupted(drills):
    drills.under_way = "a" * 16
    drills.close()
    assert listed(drills) == ["a"]


def test_the_next_drill_waits_for_a_release_that_is_still_under_way(drills):
    drills.api = Airflow("running")
    lease.acquire(drills.store, "home", RELEASE, 3600)
    with pytest.raises(TryAgain, match="still under way"):
        drills._clear_leftovers()
    assert listed(drills) == ["a", "b"]


@pytest.mark.parametrize("state", ["success", "failed"])
def test_the_next_drill_clears_away_what_an_ended_one_left(drills, state):
    drills.api = Airflow(state)
    lease.acquire(drills.store, "home", RELEASE, 3600)
    drills._clear_leftovers()
    assert listed(drills) == [] and lease.holder_of(drills.store, "home")[1] <= time.time()


def test_the_lease_of_a_real_release_is_left_alone(drills):
    drills.api = Airflow("failed")
    lease.acquire(drills.store, "home", "recorded__release_home__2017-10-22", 3600)
    drills._clear_leftovers()
    assert lease.holder_of(drills.store, "home")[0] == "recorded__release_home__2017-10-22"


def test_without_a_trained_model_the_command_says_what_to_run_first(drills):
    with pytest.raises(Refused, match="Run `make run` first"):
        drills._stable()
