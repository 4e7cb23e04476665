"""What every store must do; S3 will be one more parameter of the fixture."""

import multiprocessing
import os
import resource
import signal

import pytest

from include.canonical import digest
from include.errors import Refused, TryAgain
from include.store.objects import ABSENT, Conflict, Damaged, FolderStore, Missing, object_key, open_store


@pytest.fixture
def store(tmp_path):
    return open_store(str(tmp_path / "store"))


def test_what_was_written_is_read(store):
    etag = store.write("a/b.json", b"one")
    assert store.read("a/b.json") == b"one" and store.etag("a/b.json") == etag


def test_a_missing_key_says_so(store):
    with pytest.raises(Missing, match=r"no a/b\.json"):
        store.read("a/b.json")
    assert store.etag("a/b.json") == ABSENT


def test_a_conditional_write_loses_to_the_first(store):
    store.write("k", b"first", expect=ABSENT)
    with pytest.raises(Conflict):
        store.write("k", b"second", expect=ABSENT)
    old = store.etag("k")
    store.write("k", b"third", expect=old)
    with pytest.raises(Conflict):
        store.write("k", b"fourth", expect=old)
    assert store.read("k") == b"third"


@pytest.mark.parametrize("key", ["", "/etc/passwd", "../x", "a/../b", "a//b", "a b", ".hidden", "a/.hidden", "a\n", "a/"])
def test_a_hostile_key_is_refused(store, key):
    with pytest.raises(Refused):
        store.write(key, b"x")


def test_an_object_is_stored_once_and_checked_when_fetched(store, tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"shelf")
    sha = store.put(file)
    assert sha == store.put(file) == digest(b"shelf")
    assert store.fetch(sha).read_bytes() == b"shelf"


def test_a_flipped_byte_is_refused(store, tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"shelf")
    sha = store.put(file)
    store.fetch(sha)
    path = store.root / object_key(sha)
    path.write_bytes(b"shelg")
    os.utime(path, ns=(1, 1))
    with pytest.raises(Damaged, match="does not have the bytes"):
        store.fetch(sha)


def test_deleting_twice_is_no_error_and_listing_is_in_order(store):
    for key in ("d/b", "d/a", "e/c"):
        store.write(key, b"")
    assert list(store.list("d")) == ["d/a", "d/b"]
    store.delete("d/a")
    store.delete("d/a")
    assert list(store.list("d")) == ["d/b"] and list(store.list("nothing")) == []


def test_an_unknown_scheme_is_refused():
    with pytest.raises(Refused, match="ftp"):
        open_store("ftp://shop/store")


def _count_up(root, times):
    store = FolderStore(root)
    for _ in range(times):
        while True:
            etag = store.etag("counter")
            try:
                store.write("counter", str(int(store.read("counter")) + 1).encode(), expect=etag)
                break
            except Conflict:
                continue


def test_two_writers_lose_no_update(store):
    store.write("counter", b"0")
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_count_up, args=(store.root, 40)) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert store.read("counter") == b"80"


def _write_on_a_full_disk(root, answer):
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        FolderStore(root).write("k", b"x" * 10_000)
    except TryAgain as error:
        answer.put(str(error))


def test_a_disk_that_fills_half_way_leaves_the_old_bytes_and_no_rubbish(store):
    store.write("k", b"old")
    context = multiprocessing.get_context("fork")
    answer = context.Queue()
    process = context.Process(target=_write_on_a_full_disk, args=(store.root, answer))
    process.start()
    assert "Free some disk space" in answer.get(timeout=10)
    process.join()
    assert store.read("k") == b"old"
    assert sorted(path.name for path in store.root.iterdir()) == [".k.lock", "k"]
