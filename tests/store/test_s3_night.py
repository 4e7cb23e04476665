"""The jobs of a night on a bucket, each in its own process, give the bytes that they give in a folder."""

import datetime as dt
import json
import os
import subprocess
import sys

import pytest

from include.errors import EXIT_REFUSED
from include.features.asof import History
from include.features.tables import COMPLETE
from include.settings import ROOT
from include.store.objects import open_store
from include.store.partitions import list_nights
from tests.store.s3_server import Fault

SHOP = {"households": 60, "first": "2017-03-08"}
FIRST, LAST = dt.date(2017, 3, 8), dt.date(2017, 3, 10)
JOBS = ("land_events", "validate_raw", "build_features", "validate_features", "publish_features")


def run_job(name, store, work, first=FIRST, last=LAST, **environ):
    """One job as Airflow starts it; returns its report."""
    work.mkdir(parents=True, exist_ok=True)
    spec, report = work / f"{name}.spec.json", work / f"{name}.report.json"
    fields = {"store": store, "source": SHOP, "work": str(work), "first": str(first), "last": str(last)}
    spec.write_text(json.dumps(fields))
    environ = os.environ | {"NIGHTFILL_VAR": str(work.parent), "NIGHTFILL_SPARK_MASTER": "local[2]", **environ}
    environ |= {"NIGHTFILL_SPARK_MEMORY": "1g"}
    command = [sys.executable, "-m", f"include.jobs.{name}", "--spec", str(spec), "--report", str(report)]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True)
    assert report.exists(), done.stdout[-2000:] + done.stderr[-2000:]
    return json.loads(report.read_text()) | {"exit": done.returncode, "output": done.stdout + done.stderr}


def run_nights(store, work):
    for name in JOBS:
        report = run_job(name, store, work)
        assert report["ok"], report
    return report["result"]


def contents(store):
    """Everything that is in a store, by key."""
    return {key: store.read(key) for folder in ("datasets", "objects") for key in store.list(folder)}


@pytest.fixture
def uri(bucket, tmp_path, monkeypatch):
    monkeypatch.setenv("NIGHTFILL_VAR", str(tmp_path / "s3"))
    return f"s3://{bucket}/shop"


@pytest.mark.slow
def test_a_range_is_landed_built_and_published_on_s3(uri, tmp_path):
    assert run_nights(uri, tmp_path / "s3" / "work")["published"] == 3
    assert run_job("land_events", str(tmp_path / "store"), tmp_path / "folder" / "work")["ok"]
    remote, local = open_store(uri), open_store(str(tmp_path / "store"))
    landed = contents(local)
    assert landed and {key: data for key, data in contents(remote).items() if key in landed} == landed
    assert list_nights(remote, COMPLETE) == [FIRST + dt.timedelta(days=i) for i in range(3)]
    assert len(History.load(remote, LAST).view(LAST).product_ids) > 0
    again = run_job("build_features", uri, tmp_path / "s3" / "again")
    assert again["result"]["built"] == 0, again


@pytest.mark.long
def test_a_range_on_s3_gives_the_bytes_of_the_folder(uri, tmp_path):
    run_nights(uri, tmp_path / "s3" / "work")
    run_nights(str(tmp_path / "store"), tmp_path / "folder" / "work")
    assert contents(open_store(uri)) == contents(open_store(str(tmp_path / "store")))


@pytest.mark.slow
def test_a_job_with_wrong_credentials_ends_refused_and_prints_no_secret(bucket, s3_server, tmp_path):
    s3_server.wire.faults.append(Fault("refuse_403:InvalidAccessKeyId", times=999))
    secret = "a-secret-that-nobody-may-see"
    report = run_job("land_events", f"s3://{bucket}/x", tmp_path / "work", AWS_SECRET_ACCESS_KEY=secret)
    assert report["exit"] == EXIT_REFUSED and "does not accept the credentials" in report["error"]["what"]
    assert secret not in json.dumps(report) and secret not in (tmp_path / "work" / "land_events.spec.json").read_text()
