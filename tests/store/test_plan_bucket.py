"""A plan over a bucket reads small JSON only: it puts nothing, deletes nothing and fetches no object."""

import pytest

from include.jobs.land_events import LandEvents
from include.jobs.plan_nights import PlanNights
from include.settings import SourceSpec
from tests.sources.panel import FIRST, write_panel


@pytest.mark.slow
def test_a_plan_of_a_bucket_reads_manifests_and_nothing_else(bucket, s3_server, tmp_path, monkeypatch):
    monkeypatch.setenv("NIGHTFILL_VAR", str(tmp_path))
    write_panel(tmp_path / "panel")
    source = SourceSpec(folder=str(tmp_path / "panel"))
    fields = {"store": f"s3://{bucket}/shop", "source": source, "work": tmp_path / "work", "first": str(FIRST)}
    assert PlanNights(**fields).run()["summary"] == "Of 1 night 1 built"
    LandEvents(**fields).run()
    s3_server.wire.seen.clear()
    found = PlanNights(**fields).run()
    assert (found["nights"]["land"], found["nights"]["compute"]) == ({"skip": 1}, {"run": 1})
    assert {method for method, _ in s3_server.wire.seen} == {"GET"}
    assert not [path for _, path in s3_server.wire.seen if "/objects/" in path]
