"""Keys that late lines restate begin again; all others go on, and a mistake in either is found."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from include.quality.feature_profile import feature_profile
from include.store.objects import open_store
from tests.features.plain_etl import Purchase, land_shop
from tests.features.plain_late import publish_late_shop, told_nights, write_night

START = dt.date(2017, 3, 6)
DAYS = [START + dt.timedelta(days=i) for i in range(4)]
LINES = [
    *(Purchase(f"h{who}", f"p{who}", day, 1, 100 + day, 5, -1, 10 * day + who) for day in range(4) for who in range(3)),
    Purchase("h0", "p1", 1, 2, 300, 0, 3, 90),
    Purchase("h1", "p1", 2, 0, 0, 0, 3, 21),
]
"""On the last night one line comes late and one is cancelled: both are of p1, and of the households h0 and h1."""
Rows = dict[str, list[dict[str, Any]]]


def found(tmp_path, spoil: Callable[[Rows], None] = lambda rows: None) -> dict[str, int]:
    """What the profile counts of the last night, built over the published nights before it."""
    store = open_store(str(tmp_path / "store"))
    publish_late_shop(store, tmp_path, LINES, START, 2)
    *_, (night, rows) = told_nights(LINES, DAYS)
    land_shop(store, tmp_path, LINES, START, DAYS)
    spoil(rows)
    write_night(store, tmp_path / "build", night, rows)
    (counts,) = feature_profile(store, tmp_path / "build")
    return {name: count for name, count in counts.items() if count and name not in ("night", "rows")}


def test_a_night_that_restates_keys_passes(tmp_path):
    assert found(tmp_path) == {}


@pytest.mark.parametrize(
    ("dataset", "key", "day", "column"),
    [
        ("household_product", {"household": "h0", "product_index": 1}, 1, "cents_total"),
        ("household_product", {"household": "h2"}, 3, "cents_total"),
        ("product", {"product_index": 1}, 1, "units_total"),
        ("household", {"household": "h1"}, 1, "baskets_total"),
    ],
)
def test_a_counter_that_does_not_go_on_is_found_among_restated_and_other_keys(tmp_path, dataset, key, day, column):
    def spoil(rows: Rows) -> None:
        (row,) = [row for row in rows[dataset] if row["day"] == DAYS[day] and key.items() <= row.items()]
        row[column] += 1

    assert found(tmp_path, spoil)[f"{dataset}_broken"] >= 1


def test_a_key_that_begins_again_though_nothing_of_it_came_late_is_found(tmp_path):
    def spoil(rows: Rows) -> None:
        (row,) = [row for row in rows["household"] if row["household"] == "h2"]
        row.update({f"{name}_total": row[name] for name in ("baskets", "products", "new_products", "cents")})

    assert found(tmp_path, spoil) == {"household_broken": 1}


def test_a_key_that_goes_on_though_its_earlier_days_changed_is_found(tmp_path):
    def spoil(rows: Rows) -> None:
        rows["household"] = [row for row in rows["household"] if row["household"] != "h0" or row["day"] == DAYS[3]]

    assert found(tmp_path, spoil)["household_broken"] == 1
