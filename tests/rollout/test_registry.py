import datetime as dt
import json
import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from include.errors import Refused
from include.rollout import lease, registry
from include.rollout.materialise import damage, materialise
from include.rollout.names import inside
from include.store.manifest import File
from include.store.objects import Damaged, FolderStore, Missing, object_key

A, B = "a" * 16, "b" * 16
SUNDAY, MONDAY = dt.date(2017, 10, 29), dt.date(2017, 10, 30)


@pytest.fixture
def store(tmp_path) -> FolderStore:
    return FolderStore(tmp_path / "store")


def bundle_dir(path: Path, text: str = "model") -> Path:
    (path / "variables").mkdir(parents=True)
    (path / "saved_model.pb").write_text(text)
    (path / "variables" / "variables.data-00000-of-00001").write_text("1 2 3")
    return path


def add(store, tmp_path, name=A, text="model", surface="home") -> int:
    folder = bundle_dir(tmp_path / f"export-{name}-{text}", text)
    return registry.register(store, surface, folder, name, {"night": "2017-10-29"}, {"ndcg": 0.2})


def test_the_first_bundle_is_version_0_and_the_next_is_1(store, tmp_path):
    assert add(store, tmp_path, A) == 0
    assert add(store, tmp_path, B) == 1
    assert registry.find(store, "home", 1).name == B
    assert registry.find(store, "home", A).card == {"ndcg": 0.2}
    assert registry.find(store, "home", A).night == "2017-10-29"


def test_the_same_model_exported_twice_is_one_version_with_its_first_bytes(store, tmp_path):
    assert add(store, tmp_path, A, "first") == add(store, tmp_path, A, "second") == 0
    assert len(registry.versions(store, "home")) == 1
    folder = materialise(store, registry.find(store, "home", 0), tmp_path / "serve")
    assert (folder / "saved_model.pb").read_text() == "first"


def test_registering_again_mends_a_damaged_bundle(store, tmp_path):
    add(store, tmp_path, A, "first")
    flip(store, registry.find(store, "home", 0).manifest.files[0])
    assert add(store, tmp_path, A, "second") == 0
    folder = materialise(store, registry.find(store, "home", 0), tmp_path / "serve")
    assert (folder / "saved_model.pb").read_text() == "second"


def test_registering_the_same_bytes_again_mends_a_flipped_byte(store, tmp_path):
    add(store, tmp_path, A, "first")
    bundle = registry.find(store, "home", 0)
    flip(store, bundle.manifest.files[0])
    registry.register(store, "home", tmp_path / f"export-{A}-first", A, {"night": "2017-10-29"}, {})
    assert (materialise(store, bundle, tmp_path / "serve") / "saved_model.pb").read_text() == "first"


def flip(store, file: File) -> None:
    path = store.root / object_key(file.sha256)
    data = bytearray(path.read_bytes())
    data[0] ^= 1
    path.chmod(0o644)
    path.write_bytes(bytes(data))


def test_a_flipped_byte_is_refused_and_nothing_is_left_behind(store, tmp_path):
    add(store, tmp_path)
    bundle = registry.find(store, "home", 0)
    flip(store, bundle.manifest.files[-1])
    with pytest.raises(Damaged, match="does not have the bytes"):
        materialise(store, bundle, tmp_path / "serve")
    assert list((tmp_path / "serve").iterdir()) == []


def test_a_lost_object_is_a_clear_sentence(store, tmp_path):
    add(store, tmp_path)
    bundle = registry.find(store, "home", 0)
    store.fetch(bundle.manifest.files[0].sha256).unlink()
    with pytest.raises(Missing, match="gone from the store"):
        materialise(store, bundle, tmp_path / "serve")


def test_materialise_keeps_a_sound_directory_and_replaces_a_damaged_one(store, tmp_path):
    add(store, tmp_path)
    bundle = registry.find(store, "home", 0)
    folder = materialise(store, bundle, tmp_path / "serve")
    inode = folder.stat().st_ino
    assert materialise(store, bundle, tmp_path / "serve").stat().st_ino == inode
    (folder / "saved_model.pb").write_text("other")
    assert "other bytes" in damage(bundle, folder)
    assert damage(bundle, materialise(store, bundle, tmp_path / "serve")) == ""
    assert [path.name for path in (tmp_path / "serve").iterdir()] == ["0"]


def test_a_manifest_that_points_outside_of_the_bundle_is_refused(store, tmp_path):
    add(store, tmp_path)
    bundle = registry.find(store, "home", 0)
    evil = File(path="../../evil", sha256=bundle.manifest.files[0].sha256, bytes=5)
    hostile = bundle.model_copy(update={"manifest": bundle.manifest.model_copy(update={"files": [evil]})})
    with pytest.raises(Refused, match="not a path inside"):
        materialise(store, hostile, tmp_path / "serve")
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("path", ["", "/etc/passwd", "a/../b", "..", ".hidden", "a//b", "a\nb", "a\\b", "x" * 200, "a/"])
def test_hostile_paths_are_refused(path):
    with pytest.raises(Refused):
        inside(path)


@pytest.mark.parametrize("name", ["../../x", "A" * 16, "a" * 15, "", "a" * 16 + "\n", "deadbeef/deadbee"])
def test_hostile_model_names_are_refused(store, tmp_path, name):
    with pytest.raises(Refused):
        registry.register(store, "home", bundle_dir(tmp_path / "b"), name, {}, {})


@pytest.mark.parametrize("surface", ["../home", "Home", "", "home/..", "home\n"])
def test_hostile_surfaces_are_refused(store, tmp_path, surface):
    with pytest.raises(Refused):
        registry.register(store, surface, bundle_dir(tmp_path / "b"), A, {}, {})
    with pytest.raises(Refused):
        registry.stable(store, surface)
    with pytest.raises(Refused):
        lease.acquire(store, surface, "me", 1)


def test_a_bundle_with_a_link_or_without_files_is_refused(store, tmp_path):
    folder = bundle_dir(tmp_path / "b")
    (folder / "link").symlink_to("/etc/passwd")
    with pytest.raises(Refused, match="link"):
        registry.register(store, "home", folder, A, {}, {})
    with pytest.raises(Refused, match="no files"):
        registry.register(store, "home", tmp_path / "none", A, {}, {})


def test_an_unknown_version_is_a_clear_sentence(store):
    with pytest.raises(Missing, match="no version or model '3'"):
        registry.find(store, "home", 3)


def test_many_threads_register_without_a_lost_or_doubled_version(store, tmp_path):
    models = [f"{i:016x}" for i in range(12)]
    folder = bundle_dir(tmp_path / "b")
    with ThreadPoolExecutor(12) as pool:
        got = list(pool.map(lambda name: registry.register(store, "home", folder, name, {}, {}), models * 2))
    assert sorted(set(got)) == list(range(12))
    assert got[:12] == got[12:]


def _promote(root: str, night: str, release: str, out) -> None:
    try:
        registry.promote(
            FolderStore(Path(root)), "home", 0 if release == "r-a" else 1, dt.date.fromisoformat(night), release, 0
        )
        out.put(release)
    except registry.Fenced:
        out.put("")


def test_of_two_processes_that_judged_the_same_stable_only_one_promotes(store, tmp_path):
    add(store, tmp_path, A)
    add(store, tmp_path, B)
    context = multiprocessing.get_context("fork")
    out = context.Queue()
    runs = [context.Process(target=_promote, args=(str(store.root), "2017-10-29", name, out)) for name in ("r-a", "r-b")]
    for run in runs:
        run.start()
    won = [out.get(timeout=20) for _ in runs]
    for run in runs:
        run.join()
    assert sorted(won)[0] == "" and sorted(won)[1] in ("r-a", "r-b")
    assert registry.stable(store, "home").release == sorted(won)[1]
    assert registry.stable(store, "home").epoch == 1


def test_an_older_night_cannot_replace_a_newer_one(store, tmp_path):
    add(store, tmp_path, A)
    add(store, tmp_path, B)
    registry.promote(store, "home", 1, MONDAY, "r1")
    with pytest.raises(registry.Fenced, match="older night 2017-10-29"):
        registry.promote(store, "home", 0, SUNDAY, "r2")
    assert registry.stable(store, "home").version == 1


def test_promoting_again_changes_nothing_and_a_new_release_counts_one_epoch(store, tmp_path):
    add(store, tmp_path, A)
    first = registry.promote(store, "home", 0, SUNDAY, "r1", epoch=0)
    assert registry.promote(store, "home", 0, SUNDAY, "r1", epoch=0) == first
    assert registry.promote(store, "home", 0, MONDAY, "r2", epoch=1).epoch == 2


def test_a_pointer_to_a_version_that_is_not_there_is_refused(store):
    with pytest.raises(Missing):
        registry.promote(store, "home", 7, SUNDAY, "r1")
    assert registry.stable(store, "home") is None


def test_a_broken_pointer_is_a_clear_sentence(store):
    store.write("models/home/stable.json", b"{")
    with pytest.raises(Refused, match="not a JSON object"):
        registry.stable(store, "home")


def test_a_second_holder_waits_until_the_lease_has_run_out(store):
    lease.acquire(store, "home", "r1", 60, now=1000)
    with pytest.raises(lease.Held, match="r1 holds surface home for another 30 s"):
        lease.acquire(store, "home", "r2", 60, now=1030)
    assert lease.acquire(store, "home", "r1", 60, now=1030) == 1090
    assert lease.acquire(store, "home", "r2", 60, now=1091) == 1151
    with pytest.raises(lease.Held, match="held by r2"):
        lease.check(store, "home", "r1", now=1100)
    lease.check(store, "home", "r2", now=1100)
    with pytest.raises(lease.Held):
        lease.check(store, "home", "r2", now=1151)


def test_only_the_holder_gives_a_lease_back(store):
    with lease.lease(store, "home", "r1", 60):
        assert lease.release(store, "home", "r2") is False
        lease.check(store, "home", "r1")
    lease.acquire(store, "home", "r2", 60)
    assert json.loads(store.read("models/home/lease.json"))["holder"] == "r2"


def test_of_many_threads_one_gets_the_lease(store):
    def attempt(i: int) -> bool:
        try:
            lease.acquire(store, "home", f"r{i}", 60)
        except lease.TryAgain:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(16))) == 1
