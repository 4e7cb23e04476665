"""A bucket whose server fails on the wire: every fault ends in the right bytes or in a clear sentence."""

import io
import logging
import os
import random
import time

import pytest

from include.canonical import digest
from include.errors import NightfillError, Refused, TryAgain
from include.store.cache import Cache
from include.store.objects import ABSENT, Conflict, Damaged, object_key, open_store
from include.store.s3 import S3Store
from include.store.s3_client import Limits, open_client
from tests.store.conftest import HASTY, QUICK
from tests.store.s3_server import Fault

MB = 1 << 20


@pytest.fixture
def wire(s3_server, s3_store):
    s3_server.wire.seen.clear()
    return s3_server.wire


@pytest.fixture
def big(tmp_path):
    """12 MB: three parts of at most 5 MB."""
    path = tmp_path / "big"
    path.write_bytes(os.urandom(12 * MB))
    return path


def of_parts(store, tmp_path):
    return S3Store(f"{store.bucket}/shop/one", limits=QUICK, cache=Cache(tmp_path / "other", 1 << 30), part=5 * MB)


@pytest.mark.parametrize("kind", ["slow_down", "error_500", "cut_upload", "lost_answer", "flip_upload", "hang"])
@pytest.mark.parametrize("expect", [None, ABSENT])
def test_a_write_comes_through_a_fault(s3_store, wire, kind, expect):
    s3_store.limits = HASTY if kind == "hang" else QUICK
    wire.faults.append(Fault(kind, "PUT", "k.json", times=2 if kind != "hang" else 1))
    etag = s3_store.write("k.json", b"bytes", expect=expect)
    assert s3_store.load("k.json") == (b"bytes", etag)


@pytest.mark.parametrize("kind", ["slow_down", "error_500", "cut_download", "lost_answer"])
def test_a_read_comes_through_a_fault(s3_store, wire, kind):
    s3_store.write("k.json", b"some bytes")
    wire.faults.append(Fault(kind, "GET", "k.json", times=3))
    assert s3_store.read("k.json") == b"some bytes"


def test_a_lost_answer_of_our_write_is_not_a_conflict(s3_store, wire):
    old = s3_store.write("k", b"one")
    wire.faults.append(Fault("lost_answer", "PUT", "/k"))
    new = s3_store.write("k", b"two", expect=old)
    assert s3_store.load("k") == (b"two", new)
    assert [method for method, _ in wire.seen if method == "HEAD"] == ["HEAD"]


def test_another_writers_equal_bytes_after_a_cut_upload_are_a_conflict(s3_store, wire):
    """Both count 5 up to 6: the one whose upload never arrived must not believe that the 6 is its own."""
    old = s3_store.write("k", b"5")

    class Faster:
        times, method, key = 1, "PUT", "/k"

        def matches(self, environ):
            if environ["REQUEST_METHOD"] != "PUT" or not self.times:
                return False
            self.times = 0
            inner = {
                name: value for name, value in environ.items() if name.startswith(("REQ", "PATH", "SERVER", "HTTP", "wsgi"))
            }
            inner |= {
                "wsgi.input": io.BytesIO(b"6"),
                "CONTENT_LENGTH": "1",
                "HTTP_X_AMZ_META_WRITER": "somebody",
                "QUERY_STRING": "",
            }
            b"".join(wire.inner(inner, lambda *args: None))
            self.kind, self.times = "cut_upload", 1
            return True

    wire.faults.append(Faster())
    with pytest.raises(Conflict):
        s3_store.write("k", b"6", expect=old)
    assert s3_store.read("k") == b"6"


@pytest.mark.parametrize("kind", ["slow_down", "error_500", "cut_upload", "lost_answer", "flip_upload"])
def test_an_object_comes_through_a_fault_whole(s3_store, wire, tmp_path, kind):
    (tmp_path / "file").write_bytes(b"shelf" * 1000)
    wire.faults.append(Fault(kind, "PUT", "objects/", times=2))
    sha = s3_store.put(tmp_path / "file")
    assert s3_store.fetch(sha).read_bytes() == b"shelf" * 1000


@pytest.mark.parametrize("kind", ["slow_down", "cut_download", "flip_download", "hang"])
def test_a_fetch_comes_through_a_fault_with_the_right_bytes(s3_store, wire, tmp_path, kind):
    (tmp_path / "file").write_bytes(b"shelf" * 1000)
    sha = s3_store.put(tmp_path / "file")
    s3_store.limits = HASTY if kind == "hang" else QUICK
    wire.faults.append(Fault(kind, "GET", "objects/"))
    assert digest(s3_store.fetch(sha).read_bytes()) == sha


def test_bytes_that_stay_wrong_are_damaged_and_not_kept(s3_store, wire, tmp_path):
    (tmp_path / "file").write_bytes(b"shelf")
    sha = s3_store.put(tmp_path / "file")
    wire.faults.append(Fault("flip_download", "GET", "objects/", times=9))
    with pytest.raises(Damaged, match=f"{object_key(sha)}.*Delete that object"):
        s3_store.fetch(sha)
    assert [path for path in s3_store.cache.folder.rglob("*") if path.is_file()] == []
    assert len(wire.seen) == 4  # HEAD and PUT of the put, then two downloads


@pytest.mark.parametrize(
    "fault",
    [
        Fault("slow_down", "PUT", "objects/", 2),
        Fault("cut_upload", "PUT", "objects/", 2),
        Fault("flip_upload", "PUT", "objects/", 1),
        Fault("lost_answer", "PUT", "objects/", 2),
        Fault("error_500", "POST", "objects/", 2),
        Fault("lost_answer", "POST", "objects/", 1),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.method}",
)
def test_a_file_in_parts_comes_through_a_fault_whole(s3_store, wire, big, tmp_path, fault):
    store = of_parts(s3_store, tmp_path)
    wire.faults.append(Fault(fault.kind, fault.method, fault.key, fault.times))
    sha = store.put(big)
    assert store.fetch(sha).read_bytes() == big.read_bytes()
    assert sum(method == "PUT" for method, _ in wire.seen) >= 3


def test_a_lost_answer_at_the_end_of_an_upload_in_parts_is_no_failure(s3_store, wire, big, tmp_path):
    class Last(Fault):
        def matches(self, environ):
            return super().matches(environ) and "uploadId" in environ["QUERY_STRING"]

    wire.faults.append(Last("lost_answer", "POST", "objects/"))
    store = of_parts(s3_store, tmp_path)
    assert store.fetch(store.put(big)).read_bytes() == big.read_bytes()


def test_an_upload_in_parts_that_fails_leaves_no_object_and_no_parts(s3_store, wire, big, tmp_path):
    wire.faults.append(Fault("slow_down", "PUT", "objects/", times=99))
    with pytest.raises(TryAgain, match="SlowDown"):
        of_parts(s3_store, tmp_path).put(big)
    assert list(s3_store.list("objects")) == []
    assert "Uploads" not in s3_store.client.list_multipart_uploads(Bucket=s3_store.bucket)


def test_a_listing_and_a_delete_come_through_a_fault(s3_store, wire):
    s3_store.write("d/a", b"")
    wire.faults += [Fault("slow_down", "GET", times=2), Fault("error_500", "DELETE", times=2)]
    assert list(s3_store.list("d")) == ["d/a"]
    s3_store.delete("d/a")
    assert list(s3_store.list("d")) == []


def test_throttling_without_end_says_so(s3_store, wire):
    wire.faults.append(Fault("slow_down", times=99))
    with pytest.raises(TryAgain, match=r"Could not read k at s3://shelves-\d+ .*SlowDown \(5 attempts.*run it again"):
        s3_store.read("k")
    assert len(wire.seen) == 5


def test_the_waits_are_full_jitter(s3_store, wire, monkeypatch):
    drawn, waited = [], []
    monkeypatch.setattr(random, "uniform", lambda low, high: drawn.append((low, high)) or high / 2)
    monkeypatch.setattr(time, "sleep", waited.append)
    wire.faults.append(Fault("slow_down", times=99))
    store = S3Store(s3_store.bucket, limits=Limits(attempts=5, base=0.1, cap=0.5))
    with pytest.raises(TryAgain):
        store.read("k")
    assert drawn == [(0, 0.1), (0, 0.2), (0, 0.4), (0, 0.5), (0, 0.5)] and waited == [0.05, 0.1, 0.2, 0.25]


def test_an_endpoint_that_hangs_ends_in_time_with_a_sentence(s3_store, wire):
    wire.faults.append(Fault("hang", times=99))
    store = S3Store(s3_store.bucket, limits=Limits(connect=0.3, read=0.3, attempts=3, budget=2, base=0.01, cap=0.01))
    began = time.monotonic()
    with pytest.raises(TryAgain, match="does not answer in time"):
        store.read("k")
    assert time.monotonic() - began < 3


def test_nobody_listening_is_said(bucket, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(TryAgain, match=r"nothing answers there.*S3 server is up"):
        S3Store(bucket, limits=QUICK).read("k")


def test_the_variable_for_s3_alone_is_used(s3_store, monkeypatch):
    s3_store.write("k", b"1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", os.environ["AWS_ENDPOINT_URL"])
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert s3_store.read("k") == b"1"


@pytest.mark.parametrize("call", ["read", "etag", "write", "put", "fetch", "list", "delete"])
def test_a_bucket_that_is_not_there_is_refused(s3_store, tmp_path, call):
    (tmp_path / "file").write_bytes(b"x")
    store = S3Store("no-such-bucket/shop", limits=QUICK, cache=s3_store.cache)
    calls = {
        "read": lambda: store.read("k"),
        "etag": lambda: store.etag("k"),
        "write": lambda: store.write("k", b"", expect=ABSENT),
        "put": lambda: store.put(tmp_path / "file"),
        "fetch": lambda: store.fetch("a" * 64),
        "list": lambda: list(store.list("d")),
        "delete": lambda: store.delete("k"),
    }
    with pytest.raises(Refused, match=r"no bucket for s3://no-such-bucket.*Make the bucket"):
        calls[call]()


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("InvalidAccessKeyId", "does not accept the credentials.*Correct AWS_ACCESS_KEY_ID"),
        ("SignatureDoesNotMatch", "does not accept the credentials"),
        ("ExpiredToken", "does not accept the credentials"),
        ("AccessDenied", "does not let us read k.*right credentials.*s3:PutObject"),
        ("RequestTimeTooSkewed", "Set the clock"),
        ("AuthorizationHeaderMalformed", "AWS_DEFAULT_REGION"),
    ],
)
def test_what_a_retry_cannot_cure_is_refused_at_once_and_no_secret_is_printed(s3_store, wire, code, sentence):
    wire.faults.append(Fault(f"refuse_403:{code}", times=9))
    with pytest.raises(Refused, match=sentence) as error:
        s3_store.read("k")
    assert len(wire.seen) == 1
    assert os.environ["AWS_SECRET_ACCESS_KEY"] not in str(error.value) and error.value.__cause__ is None


def test_a_log_at_debug_holds_no_secret_and_no_signature(s3_store, monkeypatch, caplog):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another-secret")
    with caplog.at_level(logging.DEBUG):
        s3_store.write("k", b"1")
    assert "another-secret" not in caplog.text and "Signature=" not in caplog.text


def test_no_credentials_at_all_is_refused(bucket, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(Refused, match=r"no AWS credentials.*AWS_PROFILE"):
        S3Store(bucket, limits=QUICK).read("k")


@pytest.mark.parametrize(
    ("name", "value"), [("AWS_PROFILE", "nobody"), ("AWS_ENDPOINT_URL", "not a url"), ("AWS_ENDPOINT_URL", "http://")]
)
def test_aws_variables_that_cannot_be_used_are_refused(bucket, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(NightfillError, match="AWS_"):
        S3Store(bucket, limits=QUICK).read("k")


@pytest.mark.parametrize(
    "uri",
    ["s3://", "s3:///x", "s3://UPPER/x", "s3://a..b/x", "s3://key:secret@bucket/x", "s3://host:9000/x", "s3://ab"],
)
def test_what_is_no_bucket_is_refused_and_not_repeated(uri):
    with pytest.raises(Refused, match="name of a bucket") as error:
        open_store(uri)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("uri", ["s3://bucket/../x", "s3://bucket//x", "s3://bucket/a b", "s3://bucket/.."])
def test_a_prefix_that_climbs_out_is_refused(uri):
    with pytest.raises(Refused, match="not a key"):
        open_store(uri)


def test_a_store_keeps_to_its_prefix(bucket, s3_store):
    beside = S3Store(f"{bucket}/shop/one-more", limits=QUICK)
    beside.write("d/theirs", b"")
    s3_store.write("d/ours", b"")
    s3_store.client.put_object(Bucket=bucket, Key="shop/one/d/not a key of ours", Body=b"")
    assert list(s3_store.list("d")) == ["d/ours"]
    assert list(S3Store(bucket, limits=QUICK).list("shop")) == ["shop/one-more/d/theirs", "shop/one/d/ours"]


def test_opening_a_store_calls_nobody():
    assert open_store("s3://bucket/prefix").prefix == "prefix/"


def test_botocore_itself_does_not_retry(bucket, wire):
    wire.faults.append(Fault("error_500", times=1))
    from botocore.exceptions import ClientError

    with pytest.raises(ClientError):
        open_client().get_object(Bucket=bucket, Key="k")
    assert len(wire.seen) == 1
