"""A model that is spoilt on purpose stands where no night finds it, can never answer, and leaves nothing behind."""

import datetime as dt

import pytest

from include.errors import Refused
from include.rollout import registry
from include.rollout.drill import FAULTS, Drill, caught, chosen
from include.rollout.verdict import Kind
from include.store.objects import FolderStore, Missing, object_key

NIGHT = dt.date(2017, 10, 22)
GOOD, BAD, WORSE = "a" * 16, "b" * 16, "c" * 16


@pytest.fixture
def store(tmp_path):
    return FolderStore(tmp_path / "store")


@pytest.fixture
def register(store, tmp_path):
    def run(name, drill="", own=b"weights"):
        folder = tmp_path / name
        (folder / "variables").mkdir(parents=True)
        (folder / "saved_model.pb").write_bytes(b"one graph")
        (folder / "variables" / "data").write_bytes(own)
        meta = {"night": str(NIGHT)} | ({"drill": drill} if drill else {})
        return registry.register(store, "home", folder, name, meta, {})

    return run


def test_a_spoilt_model_is_found_by_name_and_number_and_is_on_no_list_of_candidates(store, register):
    register(GOOD)
    version = register(BAD, "nan at_once")
    assert version == registry.DRILLS
    assert registry.find(store, "home", BAD).drill == "nan at_once"
    assert registry.find(store, "home", version).name == BAD
    assert [entry["name"] for entry in registry.versions(store, "home")] == [GOOD]
    assert register("d" * 16) == 1, "real versions count on as if there had been no drill"


def test_a_spoilt_model_can_never_be_promoted(store, register):
    registry.promote(store, "home", register(GOOD), NIGHT, "r0")
    version = register(BAD, "nan at_once")
    with pytest.raises(Refused, match="spoilt on purpose"):
        registry.promote(store, "home", version, NIGHT, "r1")
    assert registry.stable(store, "home").name == GOOD


def test_a_forgotten_drill_takes_only_its_own_files_and_its_number_along(store, register):
    register(GOOD, own=b"shared")
    register(BAD, "nan at_once", own=b"its own")
    register(WORSE, "slow at_once", own=b"shared")
    own = registry.find(store, "home", BAD).manifest.files[1].sha256
    for name in (BAD, WORSE):
        registry.forget_drill(store, "home", name)
        with pytest.raises(Missing):
            registry.find(store, "home", name)
    assert not (store.root / object_key(own)).exists()
    assert all(store.fetch(file.sha256) for file in registry.find(store, "home", GOOD).manifest.files)
    assert register("e" * 16, "nan at_once") == registry.DRILLS + 2


def test_forgetting_a_real_model_does_nothing(store, register):
    register(GOOD)
    registry.forget_drill(store, "home", GOOD)
    assert registry.find(store, "home", GOOD).version == 0


def test_all_faults_and_their_forms_are_drilled():
    assert len(chosen("all")) == 10 and {drill.fault for drill in chosen("all")} == set(FAULTS)
    assert [drill.form for drill in chosen("slow")] == ["at_once", "delayed"]
    assert chosen("nan", "delayed") == [Drill("nan", "delayed")]
    assert len(chosen("all", "delayed")) == 3


@pytest.mark.parametrize(
    ("fault", "form", "words"),
    [
        ("../etc", "", "no drill"),
        ("", "", "no drill"),
        ("nan", "later", "no form"),
        ("corrupt", "delayed", "does not come delayed"),
    ],
)
def test_an_unknown_drill_is_refused(fault, form, words):
    with pytest.raises(Refused, match=words):
        chosen(fault, form)


def test_refused_before_any_request_or_rolled_back_after_is_caught_and_nothing_else_is():
    assert caught(Kind.REFUSE, "check") and caught(Kind.ROLL_BACK, "shadow") and caught(Kind.ROLL_BACK, "ramp-50")
    assert not any(caught(kind, "shadow") for kind in (Kind.HOLD, Kind.PROMOTE, Kind.REFUSE, None))
    assert not caught(Kind.ROLL_BACK, "check")
