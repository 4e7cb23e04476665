"""Nothing in use is touched, an interrupted clean-up is finished, and hostile names are nobody's business."""

import datetime as dt
from pathlib import Path

import pytest

from include.errors import Refused
from include.rollout import registry, retention, switches
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
    add(store, tmp_path, "examples", NIGHT, "old examples")
    add(store, tmp_path, "examples", NIGHT + DAY, "shared")
    add(store, tmp_path, "examples", LAST, "shared", {"events": events.digest})
    before = ""
    for i in range(0, 201, 50):
        before = add(store, tmp_path, "features", NIGHT + i * DAY, f"f{i}", {"previous": before} if before else {}).digest
    return store


def going(store, tmp_path, nights=90, days=90):
    return retention.plan(store, tmp_path / "answers", ["home"], nights=nights, days=days)


def clean(store, tmp_path):
    plan = going(store, tmp_path)
    retention.apply(store, tmp_path / "answers", plan)
    return plan


def test_what_a_partition_in_use_names_stays_however_old(store, tmp_path):
    clean(store, tmp_path)
    assert find_manifest(store, "events", NIGHT) and len(list_nights(store, "features")) == 5
    assert list_nights(store, "examples") == [LAST]


def test_a_dry_look_changes_nothing_and_counts_the_bytes_that_really_go(store, tmp_path):
    before = sorted(store.list("datasets"))
    plan = going(store, tmp_path)
    assert sorted(store.list("datasets")) == before
    assert [(part.dataset, part.night) for part in plan.parts] == [("examples", NIGHT), ("examples", NIGHT + DAY)]
    assert plan.bytes == len("old examples"), "the shared object stays"


def test_an_object_that_a_kept_partition_names_stays(store, tmp_path):
    clean(store, tmp_path)
    for file in find_manifest(store, "examples", LAST).files:
        assert store.fetch(file.sha256).read_text() == "shared"


def test_the_newest_partition_of_a_dataset_stays_however_old(store, tmp_path):
    clean(store, tmp_path)
    assert list_nights(store, "events") == [NIGHT, NIGHT + DAY]


def test_a_young_store_loses_nothing(store, tmp_path):
    assert going(store, tmp_path, nights=300, days=300).empty
    assert retention.plan(FolderStore(tmp_path / "none"), tmp_path, [], nights=90, days=90).empty


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
    assert going(store, tmp_path).versions == (retention.Version(surface="home", version=3, name=f"{3:016x}"),)


def test_an_interrupted_clean_up_is_finished_by_the_next(store, tmp_path, monkeypatch):
    plan = going(store, tmp_path)
    deleted = FolderStore.delete

    def cut_off(self, key):
        if key.startswith("objects/"):
            raise OSError("power")
        deleted(self, key)

    monkeypatch.setattr(FolderStore, "delete", cut_off)
    with pytest.raises(OSError):
        retention.apply(store, tmp_path / "answers", plan)
    monkeypatch.undo()
    again = going(store, tmp_path)
    assert again.parts == () and again.objects == plan.objects
    retention.apply(store, tmp_path / "answers", again)
    assert not [sha for sha in plan.objects if (store.root / object_key(sha)).exists()]
    assert going(store, tmp_path).empty


def test_bytes_that_came_back_into_use_meanwhile_stay(store, tmp_path):
    plan = going(store, tmp_path)
    store.write(retention.GOING, b'{"objects": {"%s": 1}}' % next(iter(plan.objects)).encode())
    add(store, tmp_path, "examples", LAST + DAY, "old examples")
    assert not set(going(store, tmp_path).objects) & set(plan.objects)


def test_a_manifest_that_cannot_be_read_stops_everything(store, tmp_path):
    store.write(f"datasets/examples/{LAST}/manifest.json", b"{")
    with pytest.raises(Refused, match="not a manifest"):
        going(store, tmp_path)


def test_a_record_that_cannot_be_read_stops_everything(store, tmp_path):
    store.write("models/home/releases/r1/record.json", b"{}")
    with pytest.raises(Refused, match="nothing was deleted"):
        going(store, tmp_path)


def test_a_damaged_note_of_a_clean_up_is_a_sentence(store, tmp_path):
    store.write(retention.GOING, b"[]")
    with pytest.raises(Refused, match="cannot be read"):
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
