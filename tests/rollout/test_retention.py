"""Nothing in use is touched, an interrupted clean-up is finished, and hostile names are nobody's business."""

import datetime as dt
import fcntl
import json
import os
import time
from pathlib import Path

import pytest

from include.errors import Refused, TryAgain
from include.rollout import lease, registry, retention, switches
from include.rollout.in_use import Version
from include.rollout.retention import Machine
from include.store import doomed
from include.store.document import pack
from include.store.objects import FolderStore, Missing, object_key
from include.store.partitions import find_manifest, list_nights, publish
from tests.toy_releases import NIGHT, models, shop

DAY = dt.timedelta(days=1)
LAST = NIGHT + 200 * DAY


def add(store, folder: Path, dataset: str, night: dt.date, text: str, inputs: dict[str, str] | None = None):
    path = folder / f"{dataset}-{night}"
    path.write_text(text)
    how = {"rows": 1, "columns": {}, "spec": "", "transform": "1"}
    return publish(store, dataset, night, {"data": path}, inputs=inputs or {}, **how)[0]


@pytest.fixture
def store(tmp_path):
    """Examples of three nights, the last one made from old events; a chain in which each night names the one before."""
    store = shop(tmp_path)
    events = add(store, tmp_path, "events", NIGHT, "old events")
    add(store, tmp_path, "events", NIGHT + DAY, "unused events")
    add(store, tmp_path, "examples_home", NIGHT, "old examples")
    add(store, tmp_path, "examples_home", NIGHT + DAY, "shared")
    add(store, tmp_path, "examples_home", LAST, "shared", {"events": events.digest})
    before = ""
    for i in range(0, 201, 50):
        before = add(store, tmp_path, "features", NIGHT + i * DAY, f"f{i}", {"previous": before} if before else {}).digest
    return store


def machine(tmp_path):
    return Machine(answers=tmp_path / "answers", work=tmp_path / "work", jobs=tmp_path / "jobs")


def going(store, tmp_path, nights=90, days=90, grace=-1.0):
    return retention.plan(store, machine(tmp_path), ["home"], nights=nights, days=days, grace=grace)


def clean(store, tmp_path):
    plan = going(store, tmp_path)
    retention.apply(store, machine(tmp_path), plan)
    return plan


def test_what_a_partition_in_use_names_stays_however_old(store, tmp_path):
    clean(store, tmp_path)
    assert find_manifest(store, "events", NIGHT) and len(list_nights(store, "features")) == 5
    assert list_nights(store, "examples_home") == [LAST]


def test_a_dry_look_changes_nothing_and_counts_the_bytes_that_really_go(store, tmp_path):
    before = sorted(store.list("datasets"))
    plan = going(store, tmp_path)
    assert sorted(store.list("datasets")) == before
    assert [(part.dataset, part.night) for part in plan.parts] == [("examples_home", NIGHT), ("examples_home", NIGHT + DAY)]
    assert plan.bytes == len("old examples"), "the shared object stays"


def test_an_object_that_a_kept_partition_names_stays(store, tmp_path):
    clean(store, tmp_path)
    for file in find_manifest(store, "examples_home", LAST).files:
        assert store.fetch(file.sha256).read_text() == "shared"


def test_the_newest_partition_of_a_dataset_stays_however_old(store, tmp_path):
    clean(store, tmp_path)
    assert list_nights(store, "events") == [NIGHT, NIGHT + DAY]


def test_what_became_known_long_ago_and_nights_that_were_set_aside_stay(store, tmp_path):
    for dataset in ("campaigns", "quarantine", "a_dataset_of_tomorrow"):
        for night in (NIGHT, LAST):
            add(store, tmp_path, dataset, night, f"{dataset} {night}")
    assert {part.dataset for part in clean(store, tmp_path).parts} == {"examples_home"}
    assert list_nights(store, "campaigns") == list_nights(store, "quarantine") == [NIGHT, LAST]


def test_states_go_that_no_night_of_the_last_ones_is_built_from_though_their_nights_name_them(store, tmp_path):
    for i in range(0, 201, 40):
        night = NIGHT + i * DAY
        state = add(store, tmp_path, "state", night, f"state {i}")
        add(store, tmp_path, "features", night, "", {"state": state.digest})
    assert {part.night for part in going(store, tmp_path).parts if part.dataset == "state"} == {NIGHT, NIGHT + 40 * DAY}
    clean(store, tmp_path)
    kept = list_nights(store, "state")
    assert kept == [NIGHT + i * DAY for i in (80, 120, 160, 200)], "the first of the last 90 nights, 110, goes on from 80"
    assert [store.fetch(find_manifest(store, "state", night).files[0].sha256).read_text() for night in kept]
    assert len(list_nights(store, "features")) == 9, "no night goes with its state"


def test_the_newest_state_stays_however_old(store, tmp_path):
    add(store, tmp_path, "state", NIGHT, "the only one")
    clean(store, tmp_path)
    assert list_nights(store, "state") == [NIGHT]


def test_a_young_store_loses_nothing(store, tmp_path):
    assert going(store, tmp_path, nights=300, days=300).empty
    assert retention.plan(FolderStore(tmp_path / "none"), machine(tmp_path), [], nights=90, days=90).empty


def test_models_in_use_stay_and_old_ones_go_with_their_bytes(store, tmp_path):
    models(store, tmp_path, 4, first=3)
    switches.pin(store, "home", 3, "ada", "why")
    plan = clean(store, tmp_path)
    assert [one.version for one in plan.versions] == [2]
    assert [entry["version"] for entry in registry.versions(store, "home")] == [0, 1, 3, 4, 5, 6]
    with pytest.raises(Missing):
        registry.find(store, "home", 2)
    models(store, tmp_path, 1, first=7)
    assert registry.versions(store, "home")[-1]["version"] == 7, "no number is given twice"


def test_a_model_under_release_stays(store, tmp_path):
    from include.rollout import record

    models(store, tmp_path, 4, first=3)
    opened = record.find(store, "home", "r2").model_copy(update={"verdict": None})
    record.save(store, opened)
    assert going(store, tmp_path).versions == (Version(surface="home", version=3, name=f"{3:016x}"),)


def test_an_interrupted_clean_up_is_finished_by_the_next(store, tmp_path, monkeypatch):
    plan = going(store, tmp_path)
    deleted = FolderStore.delete

    def cut_off(self, key):
        if key.startswith("objects/"):
            raise OSError("power")
        deleted(self, key)

    monkeypatch.setattr(FolderStore, "delete", cut_off)
    with pytest.raises(OSError):
        retention.apply(store, machine(tmp_path), plan)
    monkeypatch.undo()
    again = going(store, tmp_path)
    assert again.parts == () and again.objects.keys() == plan.objects.keys()
    assert {one.of for one in again.objects.values()} == {""}, "no manifest names them any more"
    with pytest.raises(TryAgain, match="Another clean-up"):
        retention.apply(store, machine(tmp_path), again)  # a delete that was sent may still arrive
    _, etag = store.load(doomed.KEY)
    store.write(doomed.KEY, pack({"until": time.time(), "objects": sorted(plan.objects)}), etag)  # as some minutes later
    retention.apply(store, machine(tmp_path), again)
    assert not [sha for sha in plan.objects if (store.root / object_key(sha)).exists()]
    assert going(store, tmp_path).empty


def test_bytes_that_came_back_into_use_meanwhile_stay(store, tmp_path):
    plan = going(store, tmp_path, grace=3600.0)
    assert plan.objects == {} and plan.young, "all bytes are of today"
    for sha256 in going(store, tmp_path).objects:
        os.utime(store.root / object_key(sha256), (0, 0))
    plan = going(store, tmp_path, grace=3600.0)
    assert len(plan.objects) == 1
    add(store, tmp_path, "examples_home", LAST + DAY, "old examples")
    retention.apply(store, machine(tmp_path), plan)
    assert store.fetch(next(iter(plan.objects))).read_text() == "old examples"


def test_bytes_that_no_manifest_names_go_when_they_are_old(store, tmp_path):
    clean(store, tmp_path)
    crumb = tmp_path / "crumb"
    crumb.write_text("a publisher died before its manifest")
    sha256 = store.put(crumb)
    assert going(store, tmp_path, grace=retention.GRACE).objects == {}
    os.utime(store.root / object_key(sha256), (0, 0))
    found = clean(store, tmp_path)
    assert {name: one.of for name, one in found.objects.items()} == {sha256: ""} and found.bytes == 36
    assert not (store.root / object_key(sha256)).exists()


def test_bytes_that_any_json_names_stay(store, tmp_path):
    clean(store, tmp_path)
    crumb = tmp_path / "crumb"
    crumb.write_text("named by something that tidy has never heard of")
    sha256 = store.put(crumb)
    store.write("models/home/releases/r1/record.json", store.read("models/home/releases/r1/record.json"))
    store.write("later/room/note.json", json.dumps({"evidence": f"sha256:{sha256}"}).encode())
    assert going(store, tmp_path).objects == {}


def test_partitions_and_models_wait_while_a_job_runs(store, tmp_path):
    lock = tmp_path / "jobs" / "train_home" / "r1" / "train_model.lock"
    lock.parent.mkdir(parents=True)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_SH)
        plan = going(store, tmp_path)
        assert plan.parts == plan.versions == () and plan.busy == "1 job is at work, train_home/r1"
    assert going(store, tmp_path).parts


def test_models_of_a_surface_under_a_lease_wait(store, tmp_path):
    models(store, tmp_path, 4, first=3)
    lease.acquire(store, "home", "r9", 60)
    assert going(store, tmp_path).versions == ()
    lease.release(store, "home", "r9")
    plan = going(store, tmp_path)
    assert plan.versions
    lease.acquire(store, "home", "r9", 60)
    with pytest.raises(lease.Held, match="r9 holds surface home"):
        retention.apply(store, machine(tmp_path), plan)
    assert registry.find(store, "home", plan.versions[0].version)


def test_a_version_that_was_pinned_after_the_look_stays(store, tmp_path):
    models(store, tmp_path, 4, first=3)
    plan = going(store, tmp_path)
    assert [one.version for one in plan.versions] == [2, 3]
    switches.pin(store, "home", 3, "ada", "why")
    retention.apply(store, machine(tmp_path), plan)
    assert [entry["version"] for entry in registry.versions(store, "home")] == [0, 1, 3, 4, 5, 6]


def test_folders_of_runs_that_ended_long_ago_go(store, tmp_path):
    clean(store, tmp_path)
    for run in ("old", "young", "at_work"):
        file = tmp_path / "work" / "build_features" / run / "features" / "part"
        file.parent.mkdir(parents=True)
        file.write_text("123")
    (tmp_path / "outside").mkdir()
    (tmp_path / "work" / "build_features" / "link").symlink_to(tmp_path / "outside")
    for run in ("old", "at_work"):
        for path in [*(tmp_path / "work" / "build_features" / run).rglob("*"), tmp_path / "work" / "build_features" / run]:
            os.utime(path, (0, 0))
    lock = tmp_path / "jobs" / "build_features" / "at_work" / "compute_features.lock"
    lock.parent.mkdir(parents=True)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_SH)
        assert list(clean(store, tmp_path).runs) == ["build_features/old"]
    left = sorted(path.name for path in (tmp_path / "work" / "build_features").iterdir())
    assert left == ["at_work", "link", "young"] and (tmp_path / "outside").exists()


def test_a_listing_that_lags_costs_nothing_in_use(store, tmp_path):
    """A night that was published a moment ago is in no listing yet: its bytes are young, and the index names the night."""
    shown = {folder: list(store.list(folder)) for folder in ("datasets", "models")}
    fresh = add(store, tmp_path, "examples_home", LAST + DAY, "published a moment ago")
    store.list = lambda prefix: iter(shown.get(prefix, []))
    for grace in (retention.GRACE, -1.0):
        assert fresh.files[0].sha256 not in going(store, tmp_path, grace=grace).objects


def test_a_manifest_that_cannot_be_read_stops_everything(store, tmp_path):
    store.write(f"datasets/examples_home/{LAST}/manifest.json", b"{")
    with pytest.raises(Refused, match="not a manifest"):
        going(store, tmp_path)


def test_a_record_that_cannot_be_read_stops_everything(store, tmp_path):
    store.write("models/home/releases/r1/record.json", b"{}")
    with pytest.raises(Refused, match="nothing was deleted"):
        going(store, tmp_path)


def test_old_answers_go_and_everything_with_a_foreign_name_stays(store, tmp_path):
    root = tmp_path / "answers"
    outside = tmp_path / "outside" / "2017-01-01"
    for name in ("home/2017-10-22/run.jsonl", "home/2018-05-01/run.jsonl", "home/2017-13-99/run.jsonl", "home/notes/run.jsonl",
                 "Home!/2017-10-22/run.jsonl", "home/2017-10-22/keep.txt"):  # fmt: skip
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("{}\n")
    outside.mkdir(parents=True)
    (outside / "secret.jsonl").write_text("x")
    (root / "home" / "2017-01-01").symlink_to(outside)
    (root / "home" / "2017-10-22" / "link.jsonl").symlink_to(outside / "secret.jsonl")
    plan = clean(store, tmp_path)
    assert list(plan.answers) == ["home/2017-10-22/run.jsonl"]
    assert (outside / "secret.jsonl").exists() and (root / "home/2017-10-22/keep.txt").exists()
    assert (root / "home/2018-05-01/run.jsonl").exists(), "answers of the last days are kept"
