"""What every store must do: each claim is held by a folder and by a bucket."""

import threading

import pytest

from include.canonical import digest
from include.errors import Refused
from include.store.manifest import Manifest, swap_in
from include.store.objects import ABSENT, Conflict, Damaged, Missing, object_key, open_store


def test_what_was_written_is_read(store):
    etag = store.write("a/b.json", b"one")
    assert store.read("a/b.json") == b"one" and store.etag("a/b.json") == etag
    assert store.load("a/b.json") == (b"one", etag)


def test_a_missing_key_says_so(store):
    with pytest.raises(Missing, match=r"no a/b\.json"):
        store.read("a/b.json")
    assert store.etag("a/b.json") == ABSENT
    assert store.load("a/b.json") == (None, ABSENT)


def test_the_etag_of_other_bytes_is_another(store):
    first = store.write("k", b"one")
    assert store.write("k", b"two") != first


def test_a_conditional_write_loses_to_the_first(store):
    store.write("k", b"first", expect=ABSENT)
    with pytest.raises(Conflict):
        store.write("k", b"second", expect=ABSENT)
    old = store.etag("k")
    store.write("k", b"third", expect=old)
    with pytest.raises(Conflict):
        store.write("k", b"fourth", expect=old)
    assert store.read("k") == b"third"


def test_a_write_that_expects_a_key_that_is_gone_is_a_conflict(store):
    old = store.write("k", b"first")
    store.delete("k")
    with pytest.raises(Conflict):
        store.write("k", b"second", expect=old)
    assert store.etag("k") == ABSENT


def test_a_conflict_on_equal_bytes_of_another_writer_is_a_conflict(store):
    store.write("k", b"same", expect=ABSENT)
    with pytest.raises(Conflict):
        store.write("k", b"same", expect=ABSENT)


def test_of_many_writers_of_one_new_key_exactly_one_wins(store):
    won = []

    def write(name):
        try:
            store.write("k", name, expect=ABSENT)
            won.append(name)
        except Conflict:
            pass

    threads = [threading.Thread(target=write, args=(str(i).encode(),)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1 and store.read("k") == won[0]


def test_writers_that_count_lose_no_update(store):
    store.write("counter", b"0")

    def count_up():
        done = 0
        while done < 10:
            data, etag = store.load("counter")
            try:
                store.write("counter", str(int(data) + 1).encode(), expect=etag)
                done += 1
            except Conflict:
                continue

    threads = [threading.Thread(target=count_up) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.read("counter") == b"30"


@pytest.mark.parametrize(
    "key",
    ["", "/etc/passwd", "../x", "a/../b", "a//b", "a b", ".hidden", "a/.hidden", "a\n", "a/", "a" * 201, "a/" * 300 + "a", "ä"],
)
def test_a_hostile_key_is_refused(store, key):
    for call in (lambda: store.write(key, b"x"), lambda: store.read(key), lambda: store.delete(key)):
        with pytest.raises(Refused, match="not a key"):
            call()


@pytest.mark.parametrize("prefix", ["..", "/", "a/../..", ".", ""])
def test_a_hostile_prefix_is_not_listed(store, prefix):
    with pytest.raises(Refused, match="not a key"):
        list(store.list(prefix))


@pytest.mark.parametrize("sha256", ["", "../../../etc/passwd", "A" * 64, "a" * 63, "a" * 64 + "\n"])
def test_what_is_no_digest_is_not_fetched(store, sha256):
    with pytest.raises(Refused, match="not the digest"):
        store.fetch(sha256)


def test_an_object_is_stored_once_and_checked_when_fetched(store, tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"shelf")
    sha = store.put(file)
    assert sha == store.put(file) == digest(b"shelf")
    assert store.fetch(sha).read_bytes() == store.fetch(sha).read_bytes() == b"shelf"
    assert list(store.list("objects")) == [object_key(sha)]


def test_an_empty_file_is_an_object(store, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    assert store.fetch(store.put(tmp_path / "file")).read_bytes() == b""


def test_an_object_that_is_gone_is_missing(store):
    with pytest.raises(Missing, match="is gone"):
        store.fetch(digest(b"never put"))


def test_an_object_with_other_bytes_is_refused_and_can_be_put_again(store, tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"shelf")
    sha = store.put(file)
    store.write(object_key(sha), b"shelg")
    with pytest.raises(Damaged, match="does not have the bytes"):
        store.fetch(sha)
    store.delete(object_key(sha))
    assert store.put(file) == sha and store.fetch(sha).read_bytes() == b"shelf"


def test_deleting_twice_is_no_error(store):
    store.write("d/a", b"")
    store.delete("d/a")
    store.delete("d/a")
    assert list(store.list("d")) == [] and list(store.list("nothing")) == []


def test_a_listing_is_in_the_order_of_bytes_and_of_one_folder_only(store):
    keys = ["d/B", "d/a", "d/a-b/x", "d/a.b", "d/b/x", "d/b/y/z"]
    for key in [*reversed(keys), "dd/x", "e"]:
        store.write(key, b"")
    assert list(store.list("d")) == keys == list(store.list("d/"))
    assert list(store.list("d/b")) == ["d/b/x", "d/b/y/z"]


def test_the_same_manifest_is_swapped_in_once(store):
    manifest = Manifest(kind="partition", name="x")
    assert swap_in(store, "m.json", manifest) is True
    assert swap_in(store, "m.json", manifest) is False
    assert swap_in(store, "m.json", manifest.model_copy(update={"rows": 1})) is True


@pytest.mark.parametrize("uri", ["ftp://shop/store", "s3a://shop/store", "://x"])
def test_an_unknown_scheme_is_refused(uri):
    with pytest.raises(Refused, match=r"No store is known"):
        open_store(uri)
