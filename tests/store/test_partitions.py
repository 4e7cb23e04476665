import datetime as dt
import json

import pytest

from include.errors import Refused
from include.store import partitions
from include.store.manifest import FORMAT, Manifest
from include.store.objects import Missing, open_store

NIGHT = dt.date(2017, 3, 1)


@pytest.fixture
def store(tmp_path):
    return open_store(str(tmp_path / "store"))


@pytest.fixture
def publish(store, tmp_path):
    def run(content=b"rows", **more):
        file = tmp_path / "part"
        file.write_bytes(content)
        fields = {"rows": 1, "columns": {"a": "int32"}, "inputs": {"events": "d1"}, "spec": "s", "transform": "1"} | more
        return partitions.publish(store, "events", NIGHT, {"part.parquet": file}, **fields)

    return run


def test_a_partition_is_visible_with_its_manifest(store, publish):
    manifest, changed = publish()
    assert changed and partitions.read_manifest(store, "events", NIGHT) == manifest
    assert [path.read_bytes() for path in partitions.fetch(store, "events", [NIGHT])] == [b"rows"]
    assert partitions.list_nights(store, "events") == [NIGHT]


def test_publishing_the_same_again_changes_no_byte(store, publish):
    publish()
    before = {
        path: path.stat().st_mtime_ns for path in store.root.rglob("*") if path.is_file() and not path.name.startswith(".")
    }
    assert publish()[1] is False
    assert before == {path: path.stat().st_mtime_ns for path in before}


def test_what_makes_a_step_stale_is_inputs_spec_and_transform_only(publish):
    key = publish()[0].stale_key
    assert publish(b"other rows")[0].stale_key == key
    assert publish(transform="2")[0].stale_key != key
    assert publish(inputs={"events": "d2"})[0].stale_key != key


def test_objects_without_a_manifest_are_no_partition(store, tmp_path):
    file = tmp_path / "x"
    file.write_bytes(b"half done")
    store.put(file)
    assert partitions.list_nights(store, "events") == []
    with pytest.raises(Missing, match="Run build_features for 2017-03-01"):
        partitions.read_manifest(store, "events", NIGHT)


def test_a_newer_format_is_refused_with_instructions(store, publish):
    publish()
    key = partitions.manifest_key("events", NIGHT)
    value = json.loads(store.read(key)) | {"format": FORMAT + 1}
    store.write(key, json.dumps(value).encode())
    with pytest.raises(Refused, match="Upgrade Nightfill"):
        partitions.read_manifest(store, "events", NIGHT)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"kind": 3}'])
def test_a_damaged_manifest_is_refused(data):
    with pytest.raises(Refused, match="is not a manifest"):
        Manifest.from_bytes(data, "datasets/x/manifest.json")
