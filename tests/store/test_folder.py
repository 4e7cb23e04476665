"""What only a folder can suffer: processes that share it, a disk that is full, a bit that flips."""

import multiprocessing
import os
import resource
import signal

import pytest

from include.errors import TryAgain
from include.store.objects import Conflict, Damaged, FolderStore, object_key


@pytest.fixture
def store(tmp_path):
    return FolderStore(tmp_path / "store")


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
