"""Registry, lease, records and switches know nothing of folders: the same steps in a folder and in a bucket."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest

from include.rollout import lease, record, registry, switches
from include.rollout.materialise import damage, materialise
from include.store.objects import Damaged, object_key

A, B = "a" * 16, "b" * 16
SUNDAY = dt.date(2017, 10, 29)


def add(store, folder, name):
    (folder / name / "variables").mkdir(parents=True, exist_ok=True)
    (folder / name / "saved_model.pb").write_text(name)
    (folder / name / "variables" / "data").write_text("1 2 3")
    return registry.register(store, "home", folder / name, name, {"night": str(SUNDAY)}, {"ndcg": 0.2})


def test_a_model_is_registered_promoted_and_copied_to_a_replica(store, tmp_path):
    assert [add(store, tmp_path, name) for name in (A, B, A)] == [0, 1, 0]
    pointer = registry.promote(store, "home", 0, SUNDAY, "r1", epoch=0)
    assert registry.stable(store, "home") == pointer
    assert registry.promote(store, "home", 0, SUNDAY, "r1") == pointer
    with pytest.raises(registry.Fenced):
        registry.promote(store, "home", 1, SUNDAY - dt.timedelta(days=1), "r0")
    bundle = registry.find(store, "home", 0)
    assert damage(bundle, materialise(store, bundle, tmp_path / "replica")) == ""


def test_many_register_at_once_without_a_lost_or_doubled_version(store, tmp_path):
    names = [f"{i:016x}" for i in range(6)]
    with ThreadPoolExecutor(6) as pool:
        numbers = list(pool.map(lambda name: add(store, tmp_path, name), names))
    assert sorted(numbers) == list(range(6)) == [entry["version"] for entry in registry.versions(store, "home")]


def test_registering_again_mends_a_damaged_model(store, tmp_path):
    add(store, tmp_path, A)
    file = registry.find(store, "home", A).manifest.files[0]
    store.write(object_key(file.sha256), b"other bytes")
    with pytest.raises(Damaged):
        store.fetch(file.sha256)
    assert add(store, tmp_path, A) == 0
    assert store.fetch(file.sha256).read_text() == A


def test_one_release_at_a_time_holds_the_surface(store):
    lease.acquire(store, "home", "r1", 60)
    with pytest.raises(lease.Held, match="Release r1 holds surface home"):
        lease.acquire(store, "home", "r2", 60)
    assert lease.release(store, "home", "r1") is True
    lease.acquire(store, "home", "r2", 60)
    lease.check(store, "home", "r2")


def test_a_release_keeps_its_record_and_stops_at_a_switch(store, tmp_path):
    add(store, tmp_path, A)
    fields = {"night": SUNDAY, "first": SUNDAY, "last": SUNDAY, "margin": 0.02, "weights": (50, 100)}
    begun = record.begin(store, "home", "r1", candidate=0, **fields)
    assert record.begin(store, "home", "r1", candidate=0, **fields) == begun
    assert record.all_of(store, "home") == [begun]
    switches.freeze(store, "home", "me", "sale of the year")
    with pytest.raises(switches.Held, match="sale of the year"):
        registry.promote(store, "home", 0, SUNDAY, "r1")
