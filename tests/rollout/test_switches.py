import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest

from include.errors import Refused
from include.rollout import history, registry, rollback, served, switches
from include.rollout.verdict import Kind
from tests.toy_releases import NIGHT, WEEK, models, release, shop


@pytest.fixture
def store(tmp_path):
    return shop(tmp_path)


def test_without_switches_every_version_may_be_released(store):
    assert switches.read(store, "home").against(2) == ""
    switches.check(store, "home", 2)


def test_a_freeze_holds_everything_and_says_who_and_why(store):
    switches.freeze(store, "home", "ada", "a holiday", at=100)
    with pytest.raises(switches.Held, match="frozen by ada: a holiday"):
        switches.check(store, "home", 1, at=200)


def test_a_pin_holds_every_other_version(store):
    switches.pin(store, "home", 1, "ada", "the new one is odd", at=100)
    assert switches.read(store, "home").against(1, 200) == ""
    assert "pinned to version 1 by ada" in switches.read(store, "home").against(2, 200)


def test_a_switch_ends_by_itself_at_its_moment(store):
    switches.freeze(store, "home", "ada", "a holiday", until=300, at=100)
    assert switches.read(store, "home").against(2, 299)
    assert switches.read(store, "home").against(2, 300) == ""
    assert switches.read(store, "home").now(300).freeze is None


def test_what_was_done_by_hand_is_remembered(store):
    switches.freeze(store, "home", "ada", "a holiday", at=1)
    switches.unfreeze(store, "home", "bob", at=2)
    switches.unfreeze(store, "home", "bob", at=3)
    assert [(one.what, one.by) for one in switches.read(store, "home").log] == [("freeze", "ada"), ("unfreeze", "bob")]


def test_a_frozen_surface_does_not_promote(store):
    switches.freeze(store, "home", "ada", "a holiday")
    with pytest.raises(switches.Held):
        registry.promote(store, "home", 2, NIGHT + WEEK, "r3")
    assert registry.stable(store, "home").version == 1


def test_a_damaged_switch_file_releases_nothing(store):
    store.write("surfaces/home/switches.json", b'{"pin": 7}')
    with pytest.raises(Refused, match="set the switches again"):
        registry.promote(store, "home", 2, NIGHT + WEEK, "r3")


@pytest.mark.parametrize(
    "by, why, until", [("", "why", None), ("ada", "", None), ("ada", "x" * 301, None), ("ada", "why", 1.0)]
)
def test_a_switch_without_a_person_a_reason_or_a_future_is_refused(store, by, why, until):
    with pytest.raises(Refused):
        switches.freeze(store, "home", by, why, until=until, at=100)
    assert switches.read(store, "home") == switches.Switches()


@pytest.mark.parametrize("surface", ["../home", "Home", "home/x"])
def test_a_hostile_surface_is_refused(store, surface):
    with pytest.raises(Refused):
        switches.freeze(store, surface, "ada", "why")


def test_two_people_at_once_lose_no_change(store):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: switches.freeze(store, "home", f"p{i}", "why"), range(8)))
    assert len(switches.read(store, "home").log) == 8


def test_a_roll_back_goes_to_what_served_before_and_stays_pinned_there(store):
    going = rollback.plan(store, "home")
    assert (going.before.version, going.after.version) == (1, 0)
    assert rollback.hold(store, going, "ada", "it shows dog food") is None
    pointer = rollback.move(store, going, "by_hand__1", "ada", "it shows dog food")
    assert (pointer.version, pointer.epoch, pointer.night) == (0, 3, NIGHT)
    assert "rolled back by hand: it shows dog food" in switches.read(store, "home").against(2)
    assert history.read(store, "home").moves[-1].by == "ada"


def test_after_a_roll_back_neither_an_older_night_nor_a_release_under_way_wins(store):
    going = rollback.plan(store, "home")
    rollback.move(store, going, "by_hand__1", "ada", "why")
    with pytest.raises(registry.Fenced, match="older night"):
        registry.promote(store, "home", 2, NIGHT - WEEK, "old")
    with pytest.raises(registry.Fenced, match="has moved"):
        registry.promote(store, "home", 2, NIGHT + WEEK, "under-way", epoch=2)


def test_only_a_version_that_has_served_can_be_gone_back_to(store):
    with pytest.raises(Refused, match="Version 2 has never served home"):
        rollback.plan(store, "home", 2)
    with pytest.raises(Refused, match="serves home already"):
        rollback.plan(store, "home", 1)
    with pytest.raises(Refused, match="never served"):
        rollback.plan(store, "home", 99)


def test_a_decision_on_another_state_than_now_is_refused(store):
    with pytest.raises(registry.Fenced, match="since the roll-back was asked for"):
        rollback.plan(store, "home", 0, epoch=1)
    going = rollback.plan(store, "home", 0)
    registry.promote(store, "home", 2, NIGHT + WEEK, "faster")
    with pytest.raises(registry.Fenced, match="moved meanwhile"):
        rollback.move(store, going, "by_hand__1", "ada", "why")


def test_a_surface_without_a_past_has_no_way_back(tmp_path, store):
    with pytest.raises(Refused, match="Nothing is stable on search"):
        rollback.plan(store, "search")


def test_a_roll_back_that_fails_gives_the_old_pin_back(store):
    switches.pin(store, "home", 1, "bob", "the old reason")
    going = rollback.plan(store, "home", 0)
    rollback.let_go(store, going, "ada", rollback.hold(store, going, "ada", "why"))
    assert switches.read(store, "home").pin.version == 1


def test_the_history_is_told_from_the_releases_where_nobody_noted_it(tmp_path, store):
    for key in list(store.list("models/home/served")):
        store.delete(key)
    found = history.read(store, "home").moves
    assert [(move.epoch, move.version, move.at) for move in found] == [(1, 0, 0.0), (2, 1, 190.0)]


def test_a_damaged_record_is_a_sentence_beside_the_rest(store):
    store.write("models/home/releases/r1/record.json", b"{}")
    found = history.read(store, "home")
    assert [one.release for one in found.records] == ["r2"] and "r1/record.json" in found.faults[0]
    assert rollback.plan(store, "home").after.version == 0, "one damaged record does not close the way back"


def test_a_version_that_was_tidied_away_is_no_way_back(tmp_path, store):
    models(store, tmp_path, 1, first=3, night=NIGHT + WEEK)
    served.note(store, "home", registry.promote(store, "home", 3, NIGHT + WEEK, "r3"), at=900)
    registry.forget_version(store, "home", f"{1:016x}")
    assert [move.version for move in history.read(store, "home").ways_back] == [0]
    assert release(store, "r4", 3, Kind.HOLD, NIGHT + dt.timedelta(days=9)).candidate_version == 3
