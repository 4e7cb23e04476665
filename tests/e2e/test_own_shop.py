"""A web shop's own files, from `nightfill shop init` to the morning report, with no code. Any honest verdict is a success."""

import pytest

from tests.e2e.shop import Shop
from tests.sources.web_shop import WebShop, write_web_shop

pytestmark = pytest.mark.long

VERDICTS = {"PROMOTE", "HOLD", "ROLL_BACK", "REFUSE"}


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    root = tmp_path_factory.mktemp("own")
    data = write_web_shop(root / "data", WebShop(weeks=16))
    (data / "nightfill.yaml").unlink()
    shop = Shop(root / "var", {})
    del shop.env["NIGHTFILL_SOURCE"]
    made = shop.call("shop", "init", str(data), "--zone", "Europe/London")
    assert made.returncode == 0, made.stdout + made.stderr
    try:
        yield shop, shop.call("shop", "run", str(data), seconds=2400)
    finally:
        shop.call("stop")


def test_the_whole_night_runs_on_a_shops_own_files(night):
    shop, run = night
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-1000:]
    summary = shop.summary()
    assert {one["state"] for one in summary["dag_runs"]} == {"success"}
    releases = summary["surfaces"]["home"]["releases"]
    assert all(one["verdict"] in VERDICTS and one["failed_requests"] == 0 and one["reason"] for one in releases)


def test_the_model_is_measured_against_the_baselines(night):
    home = night[0].summary()["surfaces"]["home"]
    assert home["metrics"]["ndcg@10"] > 0 and set(home["baselines"]) >= {"popularity", "item_knn", "recency"}


def test_the_morning_report_says_whose_purchases_they_are(night):
    page = night[0].report()
    assert "shop's own files" in page or "shop&#39;s own files" in page


def test_later_commands_know_the_shop(night):
    shop, _ = night
    assert shop.call("status").returncode == 0
    again = shop.call("run", "--dry-run")
    assert again.returncode == 0 and "start=2023-09-04" in again.stdout
