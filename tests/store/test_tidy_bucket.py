"""A clean-up of a bucket: what nothing names goes, a night that no listing shows yet stays whole."""

import datetime as dt

from include.rollout import retention
from include.rollout.retention import Machine
from include.store import partitions
from include.store.objects import object_key

NIGHT = dt.date(2017, 3, 1)


def publish(store, folder, night, text, inputs):
    path = folder / text
    path.write_text(text)
    how = {"rows": 1, "columns": {}, "spec": "s", "transform": "1", "inputs": inputs}
    return partitions.publish(store, "examples", night, {"part": path}, **how)[0]


def test_loose_bytes_go_and_named_ones_stay_however_late_the_listing(s3_store, s3_server, tmp_path):
    kept = publish(s3_store, tmp_path, NIGHT, "kept", {})
    fresh = publish(s3_store, tmp_path, NIGHT + dt.timedelta(days=1), "fresh", {"events": kept.digest})
    (tmp_path / "crumb").write_text("crumb")
    crumb = s3_store.put(tmp_path / "crumb")
    s3_server.wire.lagging.add(f"{fresh.name}/manifest.json")
    machine, keep = Machine(answers=tmp_path / "answers"), {"nights": 35, "days": 14}
    assert retention.plan(s3_store, machine, [], **keep).objects == {}, "they are young"
    going = retention.plan(s3_store, machine, [], **keep, grace=-5.0)
    assert list(going.objects) == [crumb] and going.bytes == 5
    retention.apply(s3_store, machine, going)
    assert s3_store.look(object_key(crumb)) is None
    for manifest, text in ((kept, "kept"), (fresh, "fresh")):
        assert s3_store.fetch(manifest.files[0].sha256).read_text() == text
