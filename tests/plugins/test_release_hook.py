import datetime as dt

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from include.errors import Refused
from include.rollout import lease, record, registry, steps
from include.rollout.steps import Do
from include.rollout.verdict import Kind, Verdict
from nightfill.hooks.release import ReleaseHook
from nightfill.operators.release import refuse_to_promote

NIGHT = dt.date(2017, 10, 22)


@pytest.fixture
def hook(tmp_path, monkeypatch):
    monkeypatch.setenv("NIGHTFILL_VAR", str(tmp_path))
    return ReleaseHook(surface="home", run_id="manual__1")


@pytest.fixture
def register(hook, tmp_path):
    def run(number, recipe, night=NIGHT):
        folder = tmp_path / f"bundle-{number}"
        folder.mkdir()
        (folder / "saved_model.pb").write_bytes(bytes([number]))
        meta = {"recipe": recipe, "night": night.isoformat()}
        return registry.register(hook.store, "home", folder, f"{number:016x}", meta, {})

    return run


@pytest.fixture
def opened(hook, register):
    registry.promote(hook.store, "home", register(0, "popularity"), NIGHT, "start_home", epoch=0)
    register(1, "quick")
    return hook.open(NIGHT)


def test_a_release_needs_a_candidate_of_its_night(hook):
    assert hook.open(NIGHT) is None
    with pytest.raises(AirflowSkipException, match="no candidate"):
        hook.expect(Do.CHECK)


def test_a_release_needs_something_stable_to_compare_with(hook, register):
    register(0, "quick")
    with pytest.raises(Refused, match="Run start_home first"):
        hook.open(NIGHT)


def test_the_newest_candidate_of_the_night_is_released_on_the_week_after(hook, opened, register):
    register(2, "quick", NIGHT + dt.timedelta(days=7))
    assert (opened.candidate_version, opened.stable.version) == (1, 0)
    assert (opened.first, opened.last) == (dt.date(2017, 10, 23), dt.date(2017, 10, 29))
    assert hook.open(NIGHT) == opened, "a second opening takes the same release up again"


def test_two_releases_of_one_surface_exclude_each_other(hook, opened):
    with pytest.raises(lease.Held, match="manual__1"):
        ReleaseHook(surface="home", run_id="manual__2").open(NIGHT)
    hook.let_go()
    ReleaseHook(surface="home", run_id="manual__2").hold()


def test_a_step_that_is_behind_or_ended_is_skipped_with_the_reason(hook, opened):
    before, action = hook.expect(Do.CHECK)
    with pytest.raises(AirflowSkipException, match="at check"):
        hook.expect(Do.RAMP)
    hook.take(before, action, Verdict(kind=Kind.REFUSE, reason="the signature differs"))
    with pytest.raises(AirflowSkipException, match="the signature differs"):
        hook.expect(Do.SHADOW)


@pytest.mark.parametrize("households, kept", [(2000, (5, 25, 50, 100)), (160, (50, 100)), (20, (100,))])
def test_steps_that_a_small_shop_cannot_judge_are_left_out(hook, opened, households, kept):
    assert hook.fit_ramp(opened, households).weights == kept
    assert record.find(hook.store, "home", hook.release).weights == kept


@pytest.fixture
def drilled(hook, tmp_path):
    """A spoilt copy of the stable model, registered by a drill."""
    folder = tmp_path / "spoilt"
    folder.mkdir()
    (folder / "saved_model.pb").write_bytes(b"spoilt")
    meta = {"recipe": "quick", "night": NIGHT.isoformat(), "drill": "nan delayed", "days": 2}
    registry.register(hook.store, "home", folder, "d" * 16, meta, {})
    return "d" * 16


def test_a_night_never_finds_a_spoilt_model(hook, register, drilled):
    registry.promote(hook.store, "home", register(0, "popularity", NIGHT - dt.timedelta(days=7)), NIGHT, "r0", epoch=0)
    assert hook.open(NIGHT) is None


def test_a_drill_releases_its_model_on_a_plan_of_its_own(hook, opened, drilled):
    hook.let_go()
    drill = ReleaseHook(surface="home", run_id="drill__release_home__nan-delayed__1")
    found = drill.open(NIGHT, drilled)
    assert (found.candidate, found.drill, found.weights) == (drilled, "nan delayed", (50, 100))
    assert found.passes > 1 and found.last == NIGHT + dt.timedelta(days=2)


def test_a_spoilt_model_is_released_by_a_drill_only_and_a_drill_releases_nothing_else(hook, opened, drilled):
    hook.let_go()
    with pytest.raises(Refused, match="not released by a drill"):
        hook.open(NIGHT, drilled)
    with pytest.raises(Refused, match="not released by a drill"):
        ReleaseHook(surface="home", run_id="drill__release_home__x").open(NIGHT, opened.candidate)


def test_a_spoilt_model_that_every_gate_lets_through_is_not_promoted(hook, opened, drilled):
    hook.let_go()
    drill = ReleaseHook(surface="home", run_id="drill__release_home__nan-delayed__1")
    found, before = drill.open(NIGHT, drilled), registry.stable(hook.store, "home")
    while (action := steps.next_action(found)).do is not Do.PROMOTE:
        found = drill.take(found, action, Verdict(kind=Kind.ADVANCE, reason="nothing seen"))
    found = refuse_to_promote(drill, found)
    assert found.verdict is Kind.HOLD and "THE DRILL FAILED" in found.reason
    assert steps.next_action(found).do is Do.RESTORE and registry.stable(hook.store, "home") == before
