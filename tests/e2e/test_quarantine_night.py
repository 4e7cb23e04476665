"""Nights that cannot be trusted, through the real Airflow: red with a reason, harmless to others, released by a person."""

import csv
import datetime as dt
import io

import pyarrow.parquet as pq
import pytest

from include.cli import stack
from include.settings import Settings
from include.store.objects import open_store
from include.store.partitions import read_manifest
from tests.sources.web_shop import FIRST, WebShop, csv_text, write_web_shop

pytestmark = pytest.mark.long

DAY = dt.timedelta(days=1)
SPOILT, NEXT, AGAIN, LAST = (FIRST + (21 + i) * DAY for i in (0, 1, 2, 3))
"""A Monday to a Thursday after three weeks of history. Of SPOILT and NEXT every price is a hundred times too high."""


@pytest.fixture
def shop(opened, tmp_path):
    data = write_web_shop(tmp_path / "data", WebShop(weeks=4))
    for night in (SPOILT, NEXT):
        path = data / f"sales-{night}.csv"
        rows = list(csv.reader(io.StringIO(path.read_text(), newline="")))[1:]
        path.write_text(csv_text([(*row[:5], f"{float(row[5]) * 100:.2f}", *row[6:]) for row in rows]), newline="")
    ends = {"first": str(FIRST), "last": str(FIRST + 27 * DAY)}
    shop = opened("shop", {"name": "shop", "folder": str(data), "mapping": str(data / "nightfill.yaml")} | ends)
    shop.ask("history", start=str(FIRST), end=str(SPOILT - DAY))
    assert shop.wait("history") == "success"
    return shop


def night_of(shop, night: dt.date) -> dict[str, str]:
    """Run a night; the states of its tasks."""
    shop.ask(str(night), start=str(night))
    shop.wait(str(night))
    return {
        task["task_id"]: task["state"] for task in stack.client(Settings.load(shop.env)).tasks("build_features", str(night))
    }


def test_a_night_is_set_aside_seen_and_released_at_once_or_with_a_later_night(shop):
    store = open_store(str(shop.var / "store"))

    states = night_of(shop, SPOILT)
    assert {task for task, state in states.items() if state == "failed"} == {"report_quarantine"}
    assert states["publish_features"] == "success"
    said = shop.call("status").stdout
    assert f"QUARANTINED: night {SPOILT} goes on without its events" in said and "middle price" in said
    page = shop.page(f"checks/raw/{SPOILT}")
    assert "NIGHT SET ASIDE" in page and "middle price" in page
    assert read_manifest(store, "features", SPOILT).meta["rows"]["household_product"] == 0

    done = shop.call("accept", str(SPOILT), "--reason", "prices are in pence now", "--yes")
    assert done.returncode == 0 and "Done." in done.stdout, done.stdout + done.stderr
    assert "QUARANTINED" not in shop.call("status").stdout
    assert read_manifest(store, "features", SPOILT).meta["rows"]["household_product"] > 100

    assert night_of(shop, NEXT)["report_quarantine"] == "failed"
    assert set(night_of(shop, AGAIN).values()) == {"success", "skipped"}
    before = shop.manifests()
    done = shop.call("accept", str(NEXT), "--reason", "so are these", "--yes")
    assert done.returncode == 0 and f"come late: with night {LAST}" in done.stdout
    assert set(night_of(shop, LAST).values()) == {"success", "skipped"}
    assert "QUARANTINED" not in shop.call("status").stdout
    after = shop.manifests()
    assert {key: after[key] for key in before} == before, "no earlier night has changed"
    (file,) = read_manifest(store, "household_product", LAST).files
    rows = pq.read_table(store.fetch(file.sha256)).to_pylist()
    assert sum(row["day"] == NEXT and row["known"] == LAST for row in rows) > 100
