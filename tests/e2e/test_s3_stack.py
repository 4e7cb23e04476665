"""A week through Airflow's scheduler with the store in a bucket: the bytes are those of a folder."""

import os

import pytest

from include.store.objects import open_store
from tests.e2e.shop import Shop
from tests.store.s3_server import S3Server

pytestmark = pytest.mark.long

SOURCE = {"households": 60, "first": "2017-05-01"}
FIRST, LAST = "2017-05-01", "2017-05-07"
STORE = "s3://shelves/week"


@pytest.fixture
def server(monkeypatch):
    running = S3Server()
    for name, value in running.environ().items():
        monkeypatch.setenv(name, value)
    from include.store.s3_client import open_client

    open_client().create_bucket(Bucket="shelves")
    yield running
    running.stop()


def contents(uri):
    store = open_store(uri)
    return {key: store.read(key) for folder in ("datasets", "objects") for key in store.list(folder)}


def test_a_week_in_a_bucket_has_the_bytes_of_a_week_in_a_folder(server, opened):
    checked = opened("bucket", SOURCE, NIGHTFILL_STORE=STORE)
    assert "ok  store: s3://shelves/week can be read and written" in checked.call("check").stdout
    checked.build_range(FIRST, LAST)
    in_folder = opened("folder", SOURCE)
    in_folder.build_range(FIRST, LAST)
    assert contents(STORE) == contents(str(in_folder.var / "store"))
    assert not (checked.var / "store").exists()
    secret = os.environ["AWS_SECRET_ACCESS_KEY"].encode()
    written = [path for path in checked.var.rglob("*") if path.is_file()]
    assert [path for path in written if secret in path.read_bytes()] == []


def test_a_bucket_that_cannot_be_reached_stops_the_start_with_one_sentence(server, tmp_path):
    shop = Shop(tmp_path / "late", SOURCE)
    shop.env |= {"NIGHTFILL_STORE": "s3://no-such-bucket/x"}
    done = shop.call("start")
    assert done.returncode == 65
    assert "NO  store: There is no bucket for s3://no-such-bucket" in done.stderr
    assert not (shop.var / "airflow").exists()
