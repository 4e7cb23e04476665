"""Tables beside the counters: read as of a night, one row a key."""

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pytest

from include.errors import Refused
from include.features.lookups import TABLES
from include.sources.source import PROMOTIONS
from include.store.objects import open_store
from tests.features.plain_shops import START, _publish

SUNDAY = START + dt.timedelta(days=6)
ROW = {"product": "a", "week_start": SUNDAY + dt.timedelta(days=1), "display_stores": 2, "mailer_stores": None, "stores": 4}


def plan(root: Path, rows: list[dict]):
    store = open_store(str(root / "store"))
    _publish(store, root, "promotions", SUNDAY, pa.Table.from_pylist(rows, PROMOTIONS))
    return store


def test_a_plan_is_seen_from_its_sunday_on_and_not_before(tmp_path: Path) -> None:
    store = plan(tmp_path, [ROW])
    assert TABLES["plan"].read(store, SUNDAY - dt.timedelta(days=1)).num_rows == 0
    for days in (0, 6):
        row = {"product": "a", "display_stores": 2, "mailer_stores": 0, "stores": 4}
        assert TABLES["plan"].read(store, SUNDAY + dt.timedelta(days=days)).to_pylist() == [row]
    assert TABLES["plan"].read(store, SUNDAY + dt.timedelta(days=7)).num_rows == 0


def test_a_doubled_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="has a product more than once"):
        TABLES["plan"].read(plan(tmp_path, [ROW, ROW]), SUNDAY)


def test_a_shop_without_a_catalogue_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no catalogue"):
        TABLES["catalogue"].read(plan(tmp_path, [ROW]), SUNDAY)
