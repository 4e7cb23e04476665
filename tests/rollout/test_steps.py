import datetime as dt

import pytest

from include.errors import Refused
from include.rollout import record as records
from include.rollout import registry
from include.rollout.record import Record
from include.rollout.steps import Action, Do, next_action, open_step, opened, take
from include.rollout.verdict import Kind, Verdict
from include.store.objects import FolderStore

NIGHT = dt.date(2017, 10, 22)
ADVANCE, HOLD, ROLL_BACK, REFUSE, PROMOTE = (
    Verdict(kind=kind, reason=f"because {kind}")
    for kind in (
        Kind.ADVANCE,
        Kind.HOLD,
        Kind.ROLL_BACK,
        Kind.REFUSE,
        Kind.PROMOTE,
    )
)


def fresh(**changes) -> Record:
    values = {
        "surface": "home",
        "release": "r1",
        "night": NIGHT,
        "first": NIGHT,
        "last": NIGHT,
        "stable": None,
        "candidate_version": 1,
        "candidate": "b" * 16,
        "salt": "s",
        "margin": 0.02,
        "weights": (5, 25, 50, 100),
        "minimum": 30,
    }
    return Record(**(values | changes))


def run(record: Record, answers: dict[str, Verdict], limit: int = 20) -> tuple[Record, list[str]]:
    path = []
    while (action := next_action(record)).do is not Do.END:
        path.append(action.step)
        default = PROMOTE if action.do is Do.PROMOTE else ADVANCE
        record = take(record, action, answers.get(action.step, default), requests=10)
        assert len(path) < limit
    return record, path


def test_a_release_without_harm_goes_through_every_step_to_promote():
    record, path = run(fresh(), {})
    assert path == ["check", "shadow", "ramp-5", "ramp-25", "ramp-50", "ramp-100", "promote"]
    assert record.verdict is Kind.PROMOTE and "no harm" in record.reason
    assert record.requests == 70


@pytest.mark.parametrize("step", ["check", "shadow", "ramp-5", "ramp-50", "ramp-100"])
@pytest.mark.parametrize("verdict", [HOLD, ROLL_BACK, REFUSE])
def test_any_other_verdict_gives_all_traffic_back_and_ends(step, verdict):
    record, path = run(fresh(), {step: verdict})
    assert path[-2:] == [step, "restore"]
    assert record.verdict is verdict.kind and verdict.reason in record.reason


@pytest.mark.parametrize("step", ["check", "shadow", "ramp-5"])
def test_no_step_promotes_by_itself(step):
    record, path = run(fresh(), {step: PROMOTE})
    assert record.verdict is Kind.HOLD and path[-1] == "restore"


def test_a_pointer_that_was_fenced_off_does_not_promote():
    record, path = run(fresh(), {"promote": REFUSE})
    assert record.verdict is Kind.REFUSE
    assert path[-2:] == ["promote", "restore"]


def test_a_step_out_of_turn_is_refused():
    with pytest.raises(ValueError, match="is at check, not at ramp-5"):
        take(fresh(), Action(do=Do.RAMP, weight=5), ADVANCE)


def test_a_restart_goes_on_where_the_record_ends():
    record = take(fresh(), Action(do=Do.CHECK), ADVANCE)
    again = Record.model_validate_json(record.model_dump_json())
    assert next_action(again).do is Do.SHADOW


def test_a_step_that_was_opened_is_not_opened_twice():
    action = Action(do=Do.RAMP, weight=5)
    record = opened(open_step(fresh(), action, 100.0), 101.0)
    assert opened(open_step(record, action, 200.0), 201.0) == record
    assert open_step(record, Action(do=Do.RAMP, weight=25), 300.0).shifts[-1].live is None


@pytest.fixture
def store(tmp_path):
    store = FolderStore(tmp_path / "store")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "saved_model.pb").write_text("x")
    for name in ("a", "b"):
        registry.register(store, "home", tmp_path / "b", name * 16, {}, {})
    registry.promote(store, "home", 0, NIGHT, "seed")
    return store


def begin(store, **changes) -> Record:
    how = {"candidate": 1, "night": NIGHT, "first": NIGHT, "last": NIGHT, "margin": 0.02, "weights": (5, 100)}
    return records.begin(store, "home", changes.pop("release", "r1"), **(how | changes))


def test_a_release_that_was_begun_is_taken_up(store):
    record = take(begin(store), Action(do=Do.CHECK), ADVANCE)
    records.save(store, record)
    assert begin(store) == record
    assert [one.release for one in records.all_of(store, "home")] == ["r1"]


def test_the_version_that_serves_is_nothing_to_release(store):
    record = begin(store, candidate=0)
    assert record.verdict is Kind.HOLD and next_action(record).do is Do.END


def test_a_release_of_an_older_night_does_not_even_begin(store):
    with pytest.raises(registry.Fenced):
        begin(store, night=NIGHT - dt.timedelta(days=1))


@pytest.mark.parametrize("weights", [(), (5, 25), (25, 5, 100), (0, 100), (5, 5, 100), (50, 200)])
def test_steps_that_do_not_rise_to_100_are_refused(store, weights):
    with pytest.raises(Refused, match="do not rise to 100"):
        begin(store, weights=weights)


def test_days_in_the_wrong_order_are_refused(store):
    with pytest.raises(Refused, match="before they begin"):
        begin(store, last=NIGHT - dt.timedelta(days=1))


def test_a_broken_record_is_a_clear_sentence(store):
    store.write("models/home/releases/r1/record.json", b"{}")
    with pytest.raises(Refused, match="not a release record"):
        begin(store)


def test_a_hostile_release_id_is_refused(store):
    with pytest.raises(Refused):
        begin(store, release="../r1")
