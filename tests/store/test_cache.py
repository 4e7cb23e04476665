"""Fetched objects on this machine's disk: once, checked, and not without end."""

import os
import time

import pytest

from include.canonical import digest
from include.errors import TryAgain
from include.store.cache import KEEP_SECONDS, Cache, WrongDigest
from include.store.s3 import S3Store


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache", limit=1 << 20)


def sweep(cache, now=None):
    """As a process with a limit of 100 bytes would."""
    return Cache(cache.folder, 100).sweep(now)


def add(cache, data, days_ago=0.0):
    path = cache.add(digest(data), lambda file: file.write(data))
    then = time.time() - days_ago * 24 * 3600
    os.utime(path, (then, then))
    return path


def test_what_was_added_is_found_by_another_process(cache, tmp_path):
    path = add(cache, b"shelf")
    assert Cache(tmp_path / "cache", 100).find(digest(b"shelf")) == path
    assert cache.find(digest(b"other")) is None


def test_other_bytes_than_asked_for_are_not_kept(cache):
    with pytest.raises(WrongDigest):
        cache.add(digest(b"shelf"), lambda file: file.write(b"shelg"))
    assert [path for path in cache.folder.rglob("*") if path.is_file()] == []


def test_a_download_that_breaks_off_leaves_nothing(cache):
    def fill(file):
        file.write(b"half")
        raise ConnectionError

    with pytest.raises(ConnectionError):
        cache.add(digest(b"shelf"), fill)
    assert [path for path in cache.folder.rglob("*") if path.is_file()] == []


def test_a_flipped_byte_is_forgotten(cache, tmp_path):
    path = add(cache, b"shelf")
    path.write_bytes(b"shelg")
    assert Cache(tmp_path / "cache", 100).find(digest(b"shelf")) is None
    assert not path.exists()


def test_the_least_recently_used_goes_first_and_what_was_used_today_stays(cache):
    oldest, older, today = add(cache, b"a" * 60, 5), add(cache, b"b" * 60, 3), add(cache, b"c" * 60, 0)
    assert sweep(cache) == 2 and not oldest.exists() and not older.exists() and today.exists()
    assert add(cache, b"d" * 60).exists() and sweep(cache) == 0  # over the limit, and a job may hold both paths


def test_growing_beyond_the_limit_sweeps_by_itself(tmp_path):
    small = Cache(tmp_path / "cache", 100)
    old = [add(small, bytes([i]) * 60, days_ago=3) for i in range(4)]
    assert [path.exists() for path in old] == [False, False, False, True]


def test_a_use_counts(cache):
    first, second = add(cache, b"a" * 60, 5), add(cache, b"b" * 60, 3)
    assert cache.find(digest(b"a" * 60)) == first
    sweep(cache)
    assert first.exists() and not second.exists()


def test_what_a_killed_download_left_is_swept(cache):
    left = cache.folder / "ab" / ".rubbish"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"x")
    assert sweep(cache, time.time() + KEEP_SECONDS + 1) == 1 and not left.exists()


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(TryAgain, match="NIGHTFILL_CACHE"):
        add(Cache(tmp_path / "file", 100), b"x")


def test_an_object_is_fetched_over_the_network_once(s3_store, s3_server, tmp_path):
    (tmp_path / "file").write_bytes(b"shelf")
    sha = s3_store.put(tmp_path / "file")
    s3_server.wire.seen.clear()
    for _ in range(3):
        s3_store.fetch(sha)
    S3Store(f"{s3_store.bucket}/shop/one", cache=s3_store.cache).fetch(sha)
    assert len(s3_server.wire.seen) == 1


def test_the_cache_is_where_the_settings_say(bucket, tmp_path, monkeypatch):
    monkeypatch.setenv("NIGHTFILL_CACHE", str(tmp_path / "elsewhere"))
    store = S3Store(bucket)
    (tmp_path / "file").write_bytes(b"shelf")
    assert store.fetch(store.put(tmp_path / "file")).is_relative_to(tmp_path / "elsewhere")
    monkeypatch.delenv("NIGHTFILL_CACHE")
    monkeypatch.setenv("NIGHTFILL_VAR", str(tmp_path / "var"))
    assert S3Store(bucket).cache.folder == tmp_path / "var" / "cache" / "objects"
