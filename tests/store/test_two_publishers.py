"""Two runs publish the same partition at once, call by call in a random order, and each may be killed before any call."""

import datetime as dt
import random

import pytest

from include.store import partitions
from include.store.objects import Conflict, FolderStore
from tests.store.interleave import NEVER, at_once

NIGHT = dt.date(2017, 3, 1)


def publish(store, path, digest):
    fields = {"rows": 1, "columns": {"a": "int32"}, "inputs": {"events": digest}, "spec": "s", "transform": "1"}
    return partitions.publish(store, "events", NIGHT, {"part.parquet": path}, **fields)[0]


@pytest.mark.parametrize("seed", range(100))
def test_the_partition_is_whole_whoever_wins_or_dies_in_a_folder(tmp_path, seed):
    interleave(FolderStore(tmp_path / "store"), tmp_path, seed)


BUCKET_SEEDS = [pytest.param(seed, marks=pytest.mark.slow if seed < 20 else pytest.mark.long) for seed in range(100)]


@pytest.mark.parametrize("seed", BUCKET_SEEDS)
def test_the_partition_is_whole_whoever_wins_or_dies_in_a_bucket(s3_store, tmp_path, seed):
    interleave(s3_store, tmp_path, seed)


def interleave(store, tmp_path, seed):
    choice = random.Random(seed)
    for name in "ab":
        (tmp_path / name).write_bytes(name.encode() * 100)
    dies_at = {name: choice.choice([*range(1, 7), NEVER, NEVER, NEVER]) for name in "ab"}
    actions = {name: lambda stepped, name=name: publish(stepped, tmp_path / name, name) for name in "ab"}
    ended = at_once(store, actions, choice, dies_at, (Conflict,))

    whole = [end for end in ended.values() if not isinstance(end, BaseException)]
    found = partitions.find_manifest(store, "events", NIGHT)
    if found is None:
        assert not whole
    else:
        name = found.inputs["events"]
        assert store.fetch(found.files[0].sha256).read_bytes() == name.encode() * 100
    if whole:
        assert partitions.list_nights(store, "events") == [NIGHT]
    # whatever happened, the run that is started again publishes, and a second time changes nothing
    mine = publish(store, tmp_path / "a", "a")
    assert publish(store, tmp_path / "a", "a") == mine == partitions.read_manifest(store, "events", NIGHT)
    assert partitions.list_nights(store, "events") == [NIGHT]


def test_two_writers_of_the_same_bytes_never_fail(tmp_path):
    (tmp_path / "a").write_bytes(b"a")
    for seed in range(20):
        store = FolderStore(tmp_path / f"store-{seed}")
        actions = {name: lambda stepped: publish(stepped, tmp_path / "a", "a") for name in "xyz"}
        ended = at_once(store, actions, random.Random(seed), {}, ())
        assert len({manifest.digest for manifest in ended.values()}) == 1
