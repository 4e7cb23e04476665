"""A shop that keeps all in a bucket and knows no texts: its files, its store, and the whole night to the morning report."""

import csv
import datetime as dt
import os

import pytest

from include.nights import span
from include.store.objects import open_store
from include.store.partitions import list_nights
from tests.e2e.shop import Shop
from tests.sources.web_shop import FIRST, MAPPING, WebShop, write_web_shop
from tests.store.s3_server import S3Server

pytestmark = pytest.mark.long

DATA, STORE = "s3://lines/sales", "s3://shelves/shop"
VERDICTS = {"PROMOTE", "HOLD", "ROLL_BACK", "REFUSE"}


def without_texts(folder):
    """The web shop's files with no description."""
    mapping = write_web_shop(folder, WebShop(weeks=16), MAPPING.replace("text: Description\n", "")) / "nightfill.yaml"
    for path in folder.glob("*.csv"):
        with path.open(newline="") as file:
            lines = [[line[0], line[1], *line[3:]] for line in csv.reader(file)]
        with path.open("w", newline="") as file:
            csv.writer(file).writerows(lines)
    return mapping


@pytest.fixture(scope="module")
def server():
    running, before = S3Server(), dict(os.environ)
    os.environ |= running.environ()
    from include.store.s3_client import open_client

    for name in ("lines", "shelves"):
        open_client().create_bucket(Bucket=name)
    yield open_client()
    running.stop()
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="module")
def night(server, tmp_path_factory):
    root = tmp_path_factory.mktemp("bucket")
    mapping = without_texts(root / "data")
    for path in sorted((root / "data").glob("*.csv")):
        server.upload_file(str(path), "lines", f"sales/{path.name}")
        path.unlink()
    shop = Shop(root / "var", {})
    del shop.env["NIGHTFILL_SOURCE"]
    shop.env["NIGHTFILL_STORE"] = STORE
    try:
        yield shop, shop.call("shop", "run", DATA, "--mapping", str(mapping), seconds=2400)
    finally:
        shop.call("stop")


def test_the_whole_night_runs_from_bucket_to_bucket(night):
    shop, run = night
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-1000:]
    summary = shop.summary()
    assert {one["state"] for one in summary["dag_runs"]} == {"success"}
    releases = summary["surfaces"]["home"]["releases"]
    assert releases and all(one["verdict"] in VERDICTS and one["failed_requests"] == 0 for one in releases)
    assert not (shop.var / "store").exists()


def test_all_that_the_night_decided_lies_in_the_bucket(night):
    store, last = open_store(STORE), dt.date.fromisoformat(night[0].summary()["night"])
    assert list_nights(store, "features") == span(FIRST, last)
    assert any(store.list("models/home/releases")) and any(store.list("reports"))


def test_the_morning_report_is_read_from_the_bucket(night):
    assert "Nightfill" in night[0].report()


def test_no_secret_of_the_bucket_was_written(night):
    secret = os.environ["AWS_SECRET_ACCESS_KEY"].encode()
    written = [path for path in night[0].var.rglob("*") if path.is_file() and not path.is_socket()]
    assert [path for path in written if secret in path.read_bytes()] == []
