"""A folder and a bucket, to be held to the same promises."""

import itertools
import urllib.request

import pytest

from include.store.cache import Cache
from include.store.objects import open_store
from include.store.s3 import S3Store
from include.store.s3_client import Limits, shared_client
from tests.store.s3_server import S3Server

QUICK = Limits(connect=5, read=10, attempts=5, budget=30, base=0.01, cap=0.05)
HASTY = Limits(connect=1, read=0.5, attempts=6, budget=30, base=0.01, cap=0.05)
"""For servers that hang."""

numbers = itertools.count()


@pytest.fixture(scope="session")
def s3_server():
    server = S3Server()
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
        server.url
    ).read()  # moto imports what it needs at the first request
    yield server
    server.stop()


@pytest.fixture
def bucket(s3_server, monkeypatch):
    """The name of a new bucket, the variables to reach it set; no fault is left of an earlier test."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    for name, value in s3_server.environ().items():
        monkeypatch.setenv(name, value)
    s3_server.wire.faults.clear()
    s3_server.wire.lagging.clear()
    name = f"shelves-{next(numbers)}"
    shared_client(QUICK).create_bucket(Bucket=name)
    return name


@pytest.fixture
def s3_store(bucket, tmp_path):
    return S3Store(f"{bucket}/shop/one", limits=QUICK, cache=Cache(tmp_path / "cache", 1 << 30))


@pytest.fixture(params=["folder", "s3"])
def store(request, tmp_path):
    if request.param == "folder":
        return open_store(str(tmp_path / "store"))
    return request.getfixturevalue("s3_store")
