"""The tables beside purchases as of a night, against plain Python over the rows that were landed."""

import datetime as dt
import random
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from include.features.lookups import TABLES
from include.features.offers import RUNNING, STORES, VISITS
from include.features.spec import SPEC
from include.parquet import write_canonical
from include.sources.extras import KINDS, SCHEMAS
from include.sources.source import EVENTS
from include.store.objects import Store, open_store
from include.store.partitions import publish

START = dt.date(2017, 3, 5)
"""A Sunday."""


def put(store: Store, dataset: str, night: int, **tables: list[dict]) -> None:
    """Publish one partition of these tables, the first of which is the dataset itself."""
    schemas = SCHEMAS | {"events": EVENTS}
    folder = Path(store.root) / "work"
    files = {
        f"{name}.parquet": write_canonical(pa.Table.from_pylist(rows, schemas[name]), folder / f"{name}.parquet")
        for name, rows in tables.items()
    }
    said = {"columns": {}, "inputs": {}, "spec": "s", "transform": "t"}
    publish(store, dataset, day(night), files, rows=0, **said)


def day(number: int) -> dt.date:
    return START + dt.timedelta(days=number)


@pytest.fixture
def store(tmp_path):
    return open_store(str(tmp_path / "store"))


def read(store, name, night):
    """Rows of a table as of a night, by key; what is 0 or empty is left out."""
    table = TABLES[name]
    return {
        tuple(row[key] for key in table.keys): {n: row[n] for n in table.columns if row[n]}
        for row in table.read(store, day(night)).to_pylist()
    }


def test_a_shop_without_such_tables_has_none_of_them(store):
    assert all(
        not read(store, name, 3) for name in ("demographics", "campaigns", "coupons", "redemptions", "store_plan", "home")
    )


def test_recipes_that_do_not_name_them_do_not_read_them():
    assert set(SPEC.tables) <= {"plan", "catalogue", "texts"}


def test_traits_become_places_in_their_order_and_unknown_is_zero(store):
    ages = {"h1": "25-34", "h2": "65+", "h3": None, "h4": "19-24"}
    incomes = {"h1": "15-24K", "h2": "Under 15K", "h3": "250K+", "h4": "100-124K"}
    put(store, "households", 0, households=[{"household": h, "age": ages[h], "income": incomes[h]} for h in ages])
    found = read(store, "demographics", 1)
    assert {h: found[h,].get("age_code", 0) for h in ages} == {"h4": 1, "h1": 2, "h2": 3, "h3": 0}
    assert {h: found[h,]["income_code"] for h in ages} == {"h2": 1, "h1": 2, "h4": 3, "h3": 4}
    assert found["h2",]["age"] == "65+" and found["h3",]["listed"] == 1


def test_what_is_told_later_of_a_household_replaces_it_from_that_night_on(store):
    put(store, "households", 0, households=[{"household": "h1", "age": "19-24"}])
    put(store, "households", 5, households=[{"household": "h1", "age": "25-34"}])
    assert [read(store, "demographics", night)["h1",]["age"] for night in (0, 4, 5, 9)] == ["19-24", "19-24", "25-34", "25-34"]


def campaign(name, household, start, end):
    return {"campaign": name, "household": household, "kind": "A", "start": day(start), "end": day(end)}


def test_a_campaign_runs_from_its_start_to_the_day_before_its_last(store):
    put(store, "campaigns", 3, campaigns=[campaign("7", "h1", 3, 6)])
    put(store, "campaigns", 5, campaigns=[campaign("8", "h1", 5, 20)])
    found = [read(store, "campaigns", night).get(("h1",)) for night in (2, 3, 5, 6, 20)]
    assert found[0] is None
    assert found[1] == {"sent": 1, "running": 1, "days_left": 3, "campaign_1": "7"}
    assert found[2] == {"sent": 2, "running": 2, "days_left": 15, "campaign_1": "8", "campaign_2": "7"}
    assert found[3] == {"sent": 2, "running": 1, "days_left": 14, "campaign_1": "8"}
    assert found[4] == {"sent": 2}


def test_of_many_campaigns_those_that_began_last_are_named(store):
    many = RUNNING + 3
    for number in range(many):
        put(store, "campaigns", number, campaigns=[campaign(str(number), "h1", number, 90)])
    found = read(store, "campaigns", many)["h1",]
    assert found["running"] == RUNNING and found["sent"] == many
    assert [found[f"campaign_{i}"] for i in range(1, RUNNING + 1)] == [str(many - i) for i in range(1, RUNNING + 1)]


def test_coupons_and_redemptions_are_counted_as_known(store):
    rows = [{"campaign": "7", "coupon": c, "product": p} for c, p in (("1", "a"), ("2", "a"), ("2", "b"))]
    put(store, "coupons", 3, coupons=rows)
    redeemed = [{"household": "h1", "campaign": "7", "coupon": c, "day": day(4)} for c in ("1", "2")]
    put(store, "redemptions", 4, redemptions=redeemed)
    put(store, "redemptions", 6, redemptions=[{"household": "h1", "campaign": "8", "coupon": "3", "day": day(6)}])
    assert read(store, "coupons", 2) == {}
    assert read(store, "coupons", 3) == {("7", "a"): {"coupons": 2}, ("7", "b"): {"coupons": 1}}
    assert [read(store, "redemptions", night) for night in (3, 4, 6)] == [
        {},
        {("h1",): {"redeemed": 2}},
        {("h1",): {"redeemed": 3}},
    ]
    assert read(store, "redeemed_campaigns", 6) == {("h1", "7"): {"redeemed": 2}, ("h1", "8"): {"redeemed": 1}}


@pytest.mark.parametrize("stores", [1, 64, 65, 130])
def test_a_plans_words_say_which_store_shows_what(store, stores):
    rng = np.random.default_rng(stores)
    shown = {kind: rng.random((9, stores)) < 0.3 for kind in KINDS}
    names = sorted(f"s{i}" for i in range(stores))
    rows = [{"product": f"p{i}", **{kind: _words(on[i]) for kind, on in shown.items()}} for i in range(9)]
    put(store, "placements", 0, placements=rows, stores=[{"store": name} for name in names])
    found = read(store, "store_plan", 2)
    for i in range(9):
        for j, name in enumerate(names):
            assert found.get((name, f"p{i}"), {}) == {kind: 1 for kind in KINDS if shown[kind][i, j]}
    assert read(store, "store_plan", 7) == {}


def _words(on: np.ndarray) -> list[int]:
    wide = np.zeros(-(-len(on) // 64) * 64, bool)
    wide[: len(on)] = on
    return np.packbits(wide, bitorder="little").view("<i8").tolist()


Line = tuple[int, int, str, str, int, int]
"""Day, night that told of it, household, store, basket, quantity; a later one of the same day and basket corrects it."""


def land(store: Store, told: list[Line], nights: int) -> None:
    """Publish the events of each night as it delivered them."""
    for night in range(nights):
        rows = [
            {
                "household": household,
                "product": "a",
                "basket": str(basket),
                "store": shop,
                "day": day(number),
                "known": day(night),
                "at": dt.datetime(2017, 3, 5, 12, tzinfo=dt.UTC),
                "quantity": quantity,
                "cents": 100 * quantity,
                "discount_cents": 0,
            }
            for number, known, household, shop, basket, quantity in told
            if known == night
        ]
        put(store, "events", night, events=rows)


def plain_home(told: list[Line], night: int) -> dict[tuple[str], dict]:
    newest: dict[tuple[int, int], Line] = {}
    for line in sorted(told, key=lambda line: line[1]):
        if line[1] <= night:
            newest[line[0], line[4]] = line
    count: dict[str, Counter] = defaultdict(Counter)
    for number, _, household, shop, _, quantity in newest.values():
        if quantity and number > night - VISITS:
            count[household][shop] += 1
    found = {}
    for household, stores in count.items():
        order = sorted(stores, key=lambda shop: (-stores[shop], shop))
        best = {f"store_{i}": shop for i, shop in enumerate(order[:STORES], 1)}
        shares = {f"share_{i}": stores[shop] / stores.total() for i, shop in enumerate(order[:STORES], 1)}
        found[household,] = {"stores": len(order), **best, **shares}
    return found


def history(seed: int, nights: int) -> list[Line]:
    """Baskets of three households in six stores; some come late, some are corrected to another store or cancelled."""
    rng, told = random.Random(seed), []
    for basket in range(3 * nights):
        number = rng.randrange(nights)
        late = rng.choice((0, 0, 0, 2, 9))
        line = (number, number + late, rng.choice(("h1", "h2", "h3")), rng.choice("ABCDEF"), basket, 1)
        told.append(line)
        if rng.random() < 0.3:
            told.append((number, line[1] + rng.randint(1, 9), line[2], rng.choice("ABCDEF"), basket, rng.choice((0, 1))))
    return told


@pytest.mark.parametrize("seed", range(3))
def test_the_usual_store_has_most_baskets_of_twelve_weeks_as_known_and_the_lowest_id(store, seed):
    told = history(seed, 100)
    land(store, told, 100)
    for night in (0, 5, 40, VISITS - 1, VISITS, 99):
        assert read(store, "home", night) == plain_home(told, night)


def test_a_tie_goes_to_the_lowest_id(store):
    land(store, [(0, 0, "h1", shop, basket, 1) for basket, shop in enumerate("CABA")] + [(0, 0, "h1", "C", 9, 1)], 1)
    assert read(store, "home", 0)["h1",] == plain_home([(0, 0, "h1", shop, i, 1) for i, shop in enumerate("CABAC")], 0)["h1",]
    assert read(store, "home", 0)["h1",]["store_1"] == "A"


def test_a_basket_counts_once_and_only_when_something_was_paid_for(store):
    land(store, [(0, 0, "h1", "B", 1, 1), (0, 0, "h1", "B", 1, 1), (0, 0, "h1", "A", 2, 1), (0, 0, "h1", "A", 3, 0)], 1)
    assert read(store, "home", 0)["h1",] == {"stores": 2, "store_1": "A", "store_2": "B", "share_1": 0.5, "share_2": 0.5}
