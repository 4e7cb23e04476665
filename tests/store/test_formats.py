"""Whatever lies in the store and a later Nightfill may write anew is refused by this one, with what to do."""

import json

import pytest

from include.compression import contract
from include.errors import Refused
from include.rollout import lease, record, registry, switches
from include.store import index
from include.store.document import pack, unpack
from include.store.manifest import Manifest
from include.store.objects import open_store

READERS = {
    "datasets/d/index.json": lambda store: index.recall(store, "datasets/d"),
    "models/home/versions.json": lambda store: registry.versions(store, "home"),
    "models/home/drills.json": lambda store: registry.drills(store, "home"),
    "models/home/stable.json": lambda store: registry.stable(store, "home"),
    "models/home/lease.json": lambda store: lease.holder_of(store, "home"),
    "models/home/releases/r1/record.json": lambda store: record.find(store, "home", "r1"),
    "models/home/choices/abc.json": lambda store: contract.recorded(store, "home", "abc"),
    "surfaces/home/switches.json": lambda store: switches.read(store, "home"),
}


@pytest.fixture
def store(tmp_path):
    return open_store(str(tmp_path))


@pytest.mark.parametrize("key", READERS)
def test_a_newer_format_is_refused_with_what_to_do(store, key):
    store.write(key, json.dumps({"format": 2, "something": "new"}).encode())
    with pytest.raises(Refused, match=r"has format 2, this version reads up to 1\. Upgrade Nightfill"):
        READERS[key](store)


@pytest.mark.parametrize("key", READERS)
@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"3", b"\xff", b'{"format": "x"}', b'{"format": true}', b'{"format": 0}'])
def test_rubbish_is_refused_and_named(store, key, data):
    store.write(key, data)
    with pytest.raises(Refused, match=key):
        READERS[key](store)


def test_a_newer_manifest_with_unknown_fields_is_called_newer_and_not_damaged():
    with pytest.raises(Refused, match="Upgrade Nightfill"):
        Manifest.from_bytes(b'{"format": 2, "kind": "partition", "name": "x", "shards": 3}', "m.json")


def test_a_document_without_a_format_is_of_the_first():
    assert unpack(b'{"a": 1}', "k") == unpack(pack({"a": 1}), "k") == {"a": 1}
