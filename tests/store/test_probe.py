"""`nightfill check` says in one sentence why a store cannot be used, before anything is started."""

import os
import subprocess
import sys
import time

import pytest

from include.cli.checks import Machine, judge, look_at_store
from include.errors import Refused, TryAgain
from include.store.objects import open_store
from include.store.probe import probe
from tests.store.s3_server import Fault


def test_a_good_store_is_left_as_it_was(s3_store, tmp_path):
    uri = f"s3://{s3_store.bucket}/shop/one"
    assert probe(uri) == f"{uri} can be read and written"
    assert probe(str(tmp_path / "folder")).endswith("can be read and written")
    assert list(s3_store.list("check")) == []


def test_a_server_that_ignores_conditions_is_refused(s3_store, s3_server):
    class Forgetful(Fault):
        def matches(self, environ):
            environ.pop("HTTP_IF_NONE_MATCH", None)
            environ.pop("HTTP_IF_MATCH", None)
            return False

    s3_server.wire.faults.append(Forgetful(""))
    with pytest.raises(Refused, match=r"ignores the condition.*If-None-Match"):
        probe(f"s3://{s3_store.bucket}/shop")


def test_a_server_that_is_not_there_is_said_soon(bucket, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    began = time.monotonic()
    with pytest.raises(TryAgain, match="nothing answers there"):
        probe(f"s3://{bucket}")
    assert time.monotonic() - began < 8


def test_the_check_has_a_line_for_a_bucket_and_none_for_a_folder(bucket):
    assert look_at_store("/mnt/shelves", os.environ) is None and look_at_store("", os.environ) is None
    assert look_at_store(f"s3://{bucket}/shop", os.environ) == (True, f"s3://{bucket}/shop can be read and written")


@pytest.mark.parametrize(
    ("uri", "sentence"),
    [
        ("s3://no-such-bucket/x", "There is no bucket for s3://no-such-bucket"),
        ("s3://key:secret@bucket/x", "does not begin with the name of a bucket"),
        ("ftp://shop", "No store is known for 'ftp://'"),
    ],
)
def test_the_check_says_in_one_line_what_is_wrong(bucket, uri, sentence):
    found = look_at_store(uri, os.environ)
    check = judge(Machine(16.0, 50.0, None, {}, store=found))[-1]
    assert (check.name, check.ok) == ("store", False)
    assert sentence in check.text and "\n" not in check.text and "secret" not in check.text


def test_opening_a_store_does_not_import_boto3():
    code = (
        "import sys; from include.store.objects import open_store; open_store('s3://bucket/x'); print('boto3' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
    assert open_store("s3://bucket/x").bucket == "bucket"
