"""A freeze or a pin ends a release with HOLD wherever it is; a roll-back by hand leaves nothing half done."""

from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from include.errors import Refused
from include.rollout import lease, record, registry, switches
from include.rollout import served as notes
from include.rollout.bundle import Pointer
from include.rollout.steps import Do, next_action
from include.rollout.verdict import Kind, Verdict
from nightfill.defaults import run_night
from nightfill.hooks.release import ReleaseHook
from nightfill.hooks.serving import ServingHook
from nightfill.operators.release import EndReleaseOperator
from nightfill.operators.rollback import RollBackOperator
from tests.toy_releases import NIGHT, WEEK, models, shop


@pytest.fixture
def served(monkeypatch):
    """Replicas and gateway that remember what they were asked; version 9 cannot be loaded."""
    asked: list[tuple] = []

    def deploy(self, arm, bundle):
        asked.append(("deploy", arm, bundle.version))
        if bundle.version == 9:
            raise Refused("It cannot be loaded", "Build it again")

    monkeypatch.setattr(ServingHook, "deploy", deploy)
    monkeypatch.setattr(ServingHook, "retire", lambda self, arm: asked.append(("retire", arm)))
    monkeypatch.setattr(ServingHook, "route", lambda self, weight, salt: asked.append(("route", weight)))
    return asked


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("NIGHTFILL_VAR", str(tmp_path))
    store = shop(tmp_path)
    models(store, tmp_path, 1, first=3, night=NIGHT + WEEK)
    return store


@pytest.fixture
def opened(store):
    hook = ReleaseHook(surface="home", run_id="run1")
    return hook, hook.open(NIGHT + WEEK)


def context(run_id: str, **outputs):
    pulled = {"open_release": {"release": run_id}} | outputs
    task = SimpleNamespace(run_id=run_id, dag_id="d", task_id="t", xcom_pull=lambda task_ids: pulled.get(task_ids))
    return {"ti": task, "dag_run": SimpleNamespace(triggering_user_name="bob")}


def test_a_frozen_surface_holds_a_release_before_it_begins(store):
    switches.freeze(store, "home", "ada", "a holiday")
    found = ReleaseHook(surface="home", run_id="run1").open(NIGHT + WEEK)
    assert found.verdict is Kind.HOLD and "frozen by ada: a holiday" in found.reason and next_action(found).do is Do.END


def test_a_freeze_ends_a_release_that_is_under_way(store, opened, served):
    hook, _ = opened
    switches.freeze(store, "home", "ada", "a holiday")
    with pytest.raises(AirflowSkipException, match="frozen by ada"):
        hook.expect(Do.CHECK)
    result = EndReleaseOperator(task_id="end", surface="home").execute(context("run1"))
    assert result["verdict"] == "HOLD" and "a holiday" in result["reason"]
    assert ("route", 0) in served and registry.stable(store, "home").version == 1


def test_a_pin_in_the_last_moment_keeps_the_pointer_where_it_is(store, opened, served):
    hook, found = opened
    advance = Verdict(kind=Kind.ADVANCE, reason="good")
    while next_action(found).do is not Do.PROMOTE:
        found = hook.take(found, next_action(found), advance)
    switches.pin(store, "home", 1, "ada", "stay")
    result = EndReleaseOperator(task_id="end", surface="home").execute(context("run1"))
    assert result["verdict"] == "HOLD" and registry.stable(store, "home").version == 1
    assert not [one for one in served if one[0] == "deploy"]
    lease.acquire(store, "home", "another", 1)


def back(version=None, epoch=None, why="dog food", by=""):
    return RollBackOperator(task_id="roll_back", surface="home", version=version, why=why, by=by, epoch=epoch)


def test_a_roll_back_deploys_before_the_pointer_moves_and_says_who_asked(store, served):
    result = back().execute(context("by_hand__1"))
    assert result == {"version": 0, "model": f"{0:016x}", "by": "bob", "why": "dog food"}
    assert served[:2] == [("route", 0), ("deploy", "stable", 0)]
    assert registry.stable(store, "home").version == 0 and switches.read(store, "home").pin.version == 0
    assert lease.holder_of(store, "home")[0] == ""


def test_a_second_try_of_a_roll_back_changes_nothing_more(store, served):
    back().execute(context("by_hand__1"))
    before = registry.stable(store, "home")
    assert back().execute(context("by_hand__1"))["version"] == 0
    assert registry.stable(store, "home") == before


def test_a_bundle_that_cannot_be_loaded_leaves_everything_as_it_was(store, served, tmp_path):
    models(store, tmp_path, 6, first=4, night=NIGHT)
    registry.promote(store, "home", 9, NIGHT, "r9")
    registry.promote(store, "home", 1, NIGHT, "r1b")
    with pytest.raises(AirflowFailException, match="cannot be loaded"):
        back(version=_served_once(store, 9)).execute(context("by_hand__1"))
    assert registry.stable(store, "home").version == 1 and switches.read(store, "home").pin is None
    assert served[-1] == ("deploy", "stable", 1)


def _served_once(store, version: int) -> int:
    past = Pointer(version=version, name=f"{version:016x}", night=NIGHT, epoch=3, release="r9")
    notes.note(store, "home", past, at=300)
    return version


def test_a_roll_back_waits_for_a_release_that_holds_the_surface_and_ends_it(store, opened, served):
    hook, _ = opened
    with pytest.raises(lease.Held, match="run1"):
        back().execute(context("by_hand__1"))
    with pytest.raises(AirflowSkipException, match="pinned to version 0 by bob"):
        hook.expect(Do.CHECK)
    EndReleaseOperator(task_id="end", surface="home").execute(context("run1"))
    assert back().execute(context("by_hand__1"))["version"] == 0


def test_a_release_that_broke_off_does_not_stand_in_the_way_and_can_be_taken_up_again(store, opened, served):
    hook, _ = opened
    with pytest.raises(AirflowFailException, match="stopped at check without a verdict"):
        EndReleaseOperator(task_id="end", surface="home").execute(context("run1"))
    assert hook.expect(Do.CHECK)[1].do is Do.CHECK, "clearing its failed task goes on"
    hook.let_go()
    assert back().execute(context("by_hand__1"))["version"] == 0


@pytest.mark.parametrize("version, epoch, words", [(2, None, "never served"), (1, None, "already"), (0, 1, "Look again")])
def test_what_cannot_be_gone_back_to_is_refused_without_a_retry(store, served, version, epoch, words):
    with pytest.raises(AirflowFailException, match=words):
        back(version=version, epoch=epoch).execute(context("by_hand__1"))
    assert served == [] and switches.read(store, "home") == switches.Switches()


def test_an_empty_night_names_the_field_and_what_to_do():
    with pytest.raises(Refused, match=r"field Night of the trigger form is empty.*Trigger it again"):
        run_night("")
    with pytest.raises(Refused, match="field Night holds no date: 'tomorrow'"):
        run_night("tomorrow")
    assert run_night(None, "2017-10-22") == "2017-10-22"


def test_the_record_of_a_held_release_is_kept(store):
    switches.pin(store, "home", 1, "ada", "stay")
    ReleaseHook(surface="home", run_id="run1").open(NIGHT + WEEK)
    assert record.find(store, "home", "run1").verdict is Kind.HOLD
