"""Bytes that nothing names go, beside publishers that are about to name them, whoever is killed and when."""

import itertools
import os
import random
import time

import pytest

from include.errors import TryAgain
from include.store import doomed, objects, partitions, s3
from include.store.cache import Cache
from include.store.document import pack
from include.store.objects import FolderStore, object_key
from tests.store.conftest import QUICK
from tests.store.interleave import NEVER, Killed, at_once
from tests.store.test_two_publishers import NIGHT, publish

HOUR = 3600.0


def old_object(store: FolderStore, path, hours=48):
    """An object that was put long ago."""
    sha256 = store.put(path)
    at = time.time() - hours * HOUR
    os.utime(store.root / object_key(sha256), (at, at))
    return sha256


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"a" * 100)
    return path


def test_old_objects_go_and_young_ones_stay(tmp_path, file):
    store = FolderStore(tmp_path / "store")
    gone = old_object(store, file)
    file.write_bytes(b"young")
    young = store.put(file)
    assert doomed.delete_objects(store, [gone, young, "0" * 64], time.time() - 24 * HOUR) == [gone]
    assert store.look(object_key(gone)) is None and store.look(object_key(young))
    assert doomed._list(store, 0.0).digests == set(), "the list has ended"


def test_a_put_makes_an_old_object_young(store, file, monkeypatch):
    for module in (objects, s3):
        monkeypatch.setattr(module, "REFRESH", 0.0)
    key = object_key(store.put(file))
    before = store.look(key)
    time.sleep(1.1)  # a bucket's clock shows whole seconds
    store.put(file)
    after = store.look(key)
    assert before.at < after.at and before.bytes == after.bytes == 100
    assert [seen.key for seen in store.scan("objects")] == [key] == [seen.key for seen in store.scan()]


@pytest.mark.parametrize("seeds", [range(40), pytest.param(range(40, 400), marks=pytest.mark.long)], ids=["some", "others"])
def test_a_publisher_never_loses_its_bytes_to_a_clean_up(tmp_path, file, seeds, monkeypatch):
    """The publisher needs an old object that nothing names, while two clean-ups want it gone; any of them may die."""
    monkeypatch.setattr(doomed, "LASTS", 0.4)
    monkeypatch.setattr(doomed, "MARGIN", 0.1)
    swept = 0
    for seed in seeds:
        choice, store = random.Random(seed), FolderStore(tmp_path / str(seed))
        sha256 = old_object(store, file)

        def clean(stepped, sha256=sha256):
            return doomed.delete_objects(stepped, [sha256], time.time() - 24 * HOUR)

        actions = {"publisher": lambda stepped: publish(stepped, file, "a"), "clean": clean, "again": clean}
        dies_at = {name: choice.choice([NEVER, NEVER, choice.randint(1, 8)]) for name in actions}
        ended = at_once(store, actions, choice, dies_at, (TryAgain,), patience=0.9 * doomed.MARGIN)
        found = partitions.find_manifest(store, "events", NIGHT)
        assert isinstance(ended["publisher"], Killed | TryAgain) or found, seed
        if found:
            assert store.fetch(sha256).read_bytes() == file.read_bytes(), seed
        swept += [sha256] in (ended["clean"], ended["again"])
    assert swept, "in some of them the clean-up was first"


class Given:
    """Chooses in a given order, then whoever is left."""

    def __init__(self, order):
        self.order = iter(order)

    def choice(self, names):
        return next((name for name in self.order if name in names), names[0])


@pytest.mark.parametrize("turns", itertools.combinations(range(8), 3))
def test_in_no_order_of_their_calls_a_publisher_loses_its_bytes(tmp_path, file, turns, monkeypatch):
    monkeypatch.setattr(doomed, "LASTS", 0.2)
    monkeypatch.setattr(doomed, "MARGIN", 0.1)
    store = FolderStore(tmp_path / "store")
    sha256 = old_object(store, file)
    order = Given("publisher" if turn in turns else "clean-up" for turn in range(8))
    actions = {
        "publisher": lambda stepped: publish(stepped, file, "a"),
        "clean-up": lambda stepped: doomed.delete_objects(stepped, [sha256], time.time() - 24 * HOUR),
    }
    at_once(store, actions, order, {}, (), patience=0.9 * doomed.MARGIN)
    assert store.fetch(sha256)


def test_a_list_that_a_dead_clean_up_left_ends_by_itself(tmp_path, file, monkeypatch):
    store, now = FolderStore(tmp_path / "store"), [1000.0]
    sha256 = store.put(file)
    store.write(doomed.KEY, pack({"until": 1100.0, "objects": [sha256]}))
    monkeypatch.setattr(doomed.time, "sleep", lambda seconds: now.__setitem__(0, now[0] + 10))
    assert doomed.put_all(store, [file], clock=lambda: now[0]) == [sha256]
    assert now[0] >= 1100


def test_a_clean_up_without_end_is_a_sentence(tmp_path, file, monkeypatch):
    store, now = FolderStore(tmp_path / "store"), [1000.0]
    store.write(doomed.KEY, pack({"until": 1e12, "objects": [store.put(file)]}))
    monkeypatch.setattr(doomed.time, "sleep", lambda seconds: now.__setitem__(0, now[0] + 10))
    with pytest.raises(TryAgain, match="does not end"):
        doomed.put_all(store, [file], clock=lambda: now[0])


def test_a_second_clean_up_waits_for_the_first_to_end_or_its_time(tmp_path, file):
    """It would forget the first one's list, and a publisher would not see that its object is about to go."""
    store = FolderStore(tmp_path / "store")
    sha256 = old_object(store, file)
    store.write(doomed.KEY, pack({"until": 1000.0, "objects": [sha256]}))
    with pytest.raises(TryAgain, match=r"Another clean-up .* died less than 3 minutes ago\. Run it again in 70 s:"):
        doomed.delete_objects(store, [sha256], time.time(), clock=lambda: 930.5)
    assert doomed._list(store, 999.0).digests == {sha256} and store.look(object_key(sha256))
    assert doomed.delete_objects(store, [sha256], time.time(), clock=lambda: 1000.0) == [sha256]


def test_a_slow_clean_up_deletes_nothing_after_its_time(tmp_path, file):
    store = FolderStore(tmp_path / "store")
    sha256, moments = old_object(store, file), iter([0.0, 0.0, 1e6, 1e6])
    assert doomed.delete_objects(store, [sha256], time.time(), clock=lambda: next(moments)) == []
    assert store.look(object_key(sha256))


def test_what_a_killed_writer_left_beside_its_target_is_swept(tmp_path):
    store = FolderStore(tmp_path / "store")
    store.write("models/home/stable.json", b"{}")
    torn = tmp_path / "store" / "models" / "home" / ".stable.json.k3_x9abc"
    torn.write_bytes(b"12345")
    assert store.sweep(time.time() - HOUR, really=True) == [], "a writer may be at it"
    assert store.sweep(time.time() + 1, really=False) == [5] and torn.exists()
    assert store.sweep(time.time() + 1, really=True) == [5] and not torn.exists()
    assert list(store.list("models")) == ["models/home/stable.json"]
    assert (tmp_path / "store" / "models" / "home" / ".stable.json.lock").exists(), "a lock is no rubbish"


def test_an_upload_that_was_never_ended_is_swept(s3_store):
    client, place = s3_store.client, s3_store._place(object_key("a" * 64))
    upload = client.create_multipart_upload(**place)
    client.upload_part(**place, UploadId=upload["UploadId"], PartNumber=1, Body=b"12345")
    assert s3_store.sweep(0.0, really=True) == [], "moto says that all uploads began in 2010"
    later = time.time() + 100 * HOUR * 24 * 365
    assert s3_store.sweep(later, really=False) == [5]
    assert s3_store.sweep(later, really=True) == [5] and s3_store.sweep(later, really=True) == []


@pytest.mark.parametrize(
    "seeds",
    [pytest.param(range(6), marks=pytest.mark.slow), pytest.param(range(6, 60), marks=pytest.mark.long)],
    ids=["some", "others"],
)
def test_a_publisher_never_loses_its_bytes_to_a_clean_up_of_a_bucket(bucket, tmp_path, file, seeds, monkeypatch):
    monkeypatch.setattr(doomed, "LASTS", 2.0)
    monkeypatch.setattr(doomed, "MARGIN", 0.5)
    monkeypatch.setattr(s3, "REFRESH", 0.0)
    stores = {
        seed: s3.S3Store(f"{bucket}/{seed}", limits=QUICK, cache=Cache(tmp_path / f"cache-{seed}", 1 << 30)) for seed in seeds
    }
    digests = {seed: store.put(file) for seed, store in stores.items()}
    time.sleep(2)
    before = float(int(time.time()))  # a bucket's clock shows whole seconds: what is put from now on is not older than this
    for seed, store in stores.items():
        choice, sha256 = random.Random(seed), digests[seed]

        def clean(stepped, sha256=sha256):
            return doomed.delete_objects(stepped, [sha256], before)

        actions = {"publisher": lambda stepped: publish(stepped, file, "a"), "clean": clean}
        dies_at = {name: choice.choice([NEVER, NEVER, choice.randint(1, 8)]) for name in actions}
        ended = at_once(store, actions, choice, dies_at, (TryAgain,), patience=0.9 * doomed.MARGIN)
        found = partitions.find_manifest(store, "events", NIGHT)
        assert isinstance(ended["publisher"], Killed | TryAgain) or found, seed
        if found:
            assert store.look(object_key(sha256)) and store.fetch(sha256).read_bytes() == file.read_bytes(), seed
