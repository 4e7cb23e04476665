"""A search through Airflow's scheduler on a mini shop, a trial killed on the way, and a training that uses what it found."""

import json
import os
import signal
import time

import psutil
import pytest

from include.cli import stack
from include.cli.airflow_api import DONE
from include.settings import Settings
from include.store.objects import open_store
from include.tuning import chosen

pytestmark = pytest.mark.long

SHOP = {"households": 150, "first": "2017-07-01"}
NIGHT = "2017-10-22"
ASKED = {"dt": NIGHT, "recipe": "quick", "way": "bayes", "trials": 4, "minutes": 20}


def follow(shop, dag_id, run_id, conf=None, kill="", seconds=1500):
    """Ask for a run and wait for its end; the first job whose command names `kill` is killed once it is at work."""
    api, until = stack.client(Settings.load(shop.env)), time.monotonic() + seconds
    if conf is not None:
        api.trigger(dag_id, run_id, conf)
    killed = not kill
    while (state := api.run(dag_id, run_id)["state"]) not in DONE and time.monotonic() < until:
        killed = killed or kill_job(shop, kill)
        time.sleep(1)
    assert killed, "the job to be killed was never seen"
    return state


def kill_job(shop, name):
    """Kill -9 a job of this shop that has worked for some seconds; whether there was one."""
    for process in psutil.process_iter(["cmdline", "create_time"]):
        words = process.info["cmdline"] or []
        if name in words and str(shop.var) in " ".join(words) and time.time() - process.info["create_time"] > 8:
            os.kill(process.pid, signal.SIGKILL)
            return True
    return False


@pytest.fixture
def shop(opened):
    shop = opened("shop", SHOP)
    shop.ask("range", start=SHOP["first"], end=NIGHT)
    assert shop.wait("range") == "success"
    return shop


def test_a_search_survives_a_kill_repeats_nothing_and_a_training_uses_it_when_asked(shop):
    assert follow(shop, "tune_home", "search", ASKED, kill="include.jobs.run_trial") == "success"
    reports = shop.var / "run" / "jobs" / "tune_home"
    result = json.loads((reports / "search" / "choose_trial.json").read_text())["result"]
    assert result["trials"] == {"done": 4} and result["gain"]["households"] > 50
    assert max(result["judged"]) < "2017-09-24", "the gate weeks of the night begin there"
    assert (shop.var / "work" / "tune_home" / "search" / "trials.md").read_text() == result["table"]

    study = shop.var / "store" / result["study"]
    before = {path.name: path.stat().st_mtime_ns for path in study.iterdir()}
    assert follow(shop, "tune_home", "again", ASKED) == "success"
    assert {path.name: path.stat().st_mtime_ns for path in study.iterdir()} == before
    states = {task["task_id"]: task["state"] for task in stack.client(Settings.load(shop.env)).tasks("tune_home", "again")}
    assert states["run_first"] == "skipped" and states["choose_trial"] == "success"

    assert follow(shop, "train_home", "tuned", {"dt": NIGHT, "recipe": "quick", "tuned": True}) == "success"
    trained = json.loads((shop.var / "run" / "jobs" / "train_home" / "tuned" / "train_model.json").read_text())["result"]
    found = chosen.latest(open_store(str(shop.var / "store")), "home", "quick", chosen.dt.date.fromisoformat(NIGHT))
    assert found is not None and trained["tuned"]["study"] == found[1].study == result["study"]
    assert trained["batch"] == found[1].values["batch"] and len(trained["losses"]) == found[1].values["epochs"]
