"""The same shop below an S3 prefix: the same events, and clear sentences when the bucket cannot be trusted or reached."""

import pytest

from include.errors import Refused, TryAgain
from include.settings import SourceSpec
from include.sources.opening import open_source
from include.sources.shop import bucket as buckets
from include.sources.shop.bucket import S3Prefix
from include.sources.shop.places import open_place
from include.store.s3_client import Limits, open_client
from include.store.s3_retry import retrying
from tests.sources.own_shop import read_all, write
from tests.store.s3_server import Fault, S3Server

QUICK = Limits(connect=2, read=2, attempts=2, budget=1.5, base=0.01, cap=0.05)
"""One attempt at a server that hangs for longer; two at one that answers badly at once."""
PATIENT = Limits(read=30)


@pytest.fixture(scope="module")
def server():
    server = S3Server()
    yield server
    server.stop()


@pytest.fixture
def prefix(server, monkeypatch, tmp_path):
    """s3://sales/shop with the files of own_shop, reached with little patience."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    for name, value in server.environ().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(buckets, "open_client", lambda: open_client(QUICK))
    monkeypatch.setattr(buckets, "retrying", lambda action, what, where: retrying(action, what, where, QUICK))
    server.wire.faults.clear()
    client = open_client(PATIENT)
    client.create_bucket(Bucket="sales")
    for entry in client.list_objects_v2(Bucket="sales").get("Contents", []):
        client.delete_object(Bucket="sales", Key=entry["Key"])
    client.upload_file(str(write(tmp_path / "data") / "sales.csv"), "sales", "shop/sales.csv")
    return client


def source(tmp_path, place="s3://sales/shop"):
    return open_source(SourceSpec(name="shop", folder=place, mapping=str(tmp_path / "data" / "nightfill.yaml")))


def test_a_prefix_gives_the_same_events_as_the_folder(prefix, tmp_path):
    prefix.put_object(Bucket="sales", Key="shop/_SUCCESS", Body=b"")
    prefix.put_object(Bucket="sales", Key="shop/notes.txt", Body=b"not a sale")
    found = source(tmp_path)
    assert found.read_events(*found.days()).to_pylist() == read_all(tmp_path / "data")
    assert found.digest("events") == source(tmp_path).digest("events")


def test_the_digest_follows_the_bytes_of_the_bucket(prefix, tmp_path):
    before = source(tmp_path).digest("events")
    prefix.put_object(Bucket="sales", Key="shop/sales.csv", Body=(tmp_path / "data" / "sales.csv").read_bytes() + b"\n")
    assert source(tmp_path).digest("events") != before


def test_the_same_object_twice_is_refused(prefix, tmp_path):
    prefix.copy_object(Bucket="sales", Key="shop/again.csv", CopySource="sales/shop/sales.csv")
    with pytest.raises(Refused, match=r"again.csv and sales.csv hold the same bytes"):
        source(tmp_path).days()


@pytest.mark.parametrize("key", ["shop/../secrets.csv", "shop//etc/passwd.csv", "shop/..\\secrets.csv"])
def test_a_key_that_climbs_out_is_refused(tmp_path, key):
    place = S3Prefix("sales", "shop")
    place._list = lambda: iter([{"Key": key, "Size": 1, "ETag": "x"}])  # type: ignore[method-assign]
    with pytest.raises(Refused, match="leads out of s3://sales/shop"):
        place.files("*.csv")


@pytest.mark.parametrize("where", ["s3://", "s3:///shop", "s3://sales/../other", "gs://sales/shop"])
def test_an_address_that_is_no_prefix_is_refused(where):
    with pytest.raises(Refused, match=r"names no prefix of a bucket|cannot be read from"):
        open_place(where)


def test_an_empty_prefix_is_refused(prefix, tmp_path):
    with pytest.raises(Refused, match="There is nothing under s3://sales/attic"):
        source(tmp_path, "s3://sales/attic").days()


def test_wrong_credentials_are_refused_at_once(prefix, server, tmp_path):
    server.wire.faults.append(Fault("refuse_403:SignatureDoesNotMatch", times=9))
    with pytest.raises(Refused, match="does not accept the credentials"):
        source(tmp_path).days()


def test_an_endpoint_that_hangs_is_given_up_on(prefix, server, tmp_path):
    server.wire.faults.append(Fault("hang", method="GET", times=9))
    with pytest.raises(TryAgain, match="does not answer in time"):
        source(tmp_path).days()


def test_a_read_that_breaks_off_is_done_again(prefix, server, tmp_path):
    server.wire.faults.append(Fault("cut_download", method="GET", key="sales.csv"))
    found = source(tmp_path)
    assert found.read_events(*found.days()).num_rows == 4


def test_an_object_that_changes_while_it_is_read_is_noticed(prefix, tmp_path):
    found = source(tmp_path)
    assert list(found.files)
    prefix.put_object(Bucket="sales", Key="shop/sales.csv", Body=b"other")
    with pytest.raises(TryAgain, match=r"sales.csv was changed or removed while it was read"):
        found.days()
