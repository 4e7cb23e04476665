"""The as-of read against a plain reference that looks at every purchase for every answer."""

import datetime as dt
import itertools
import math
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.errors import Refused
from include.features.asof import History
from include.recipes.columns import HISTORY, HOUSEHOLD, PRODUCT
from include.store.objects import open_store
from tests.features.plain_etl import Purchase, publish_shop

START = dt.date(2017, 3, 6)
purchases = st.lists(
    st.builds(
        Purchase,
        household=st.sampled_from(["h1", "h2", "h3"]),
        product=st.sampled_from(["a", "b", "c", "d"]),
        day=st.integers(0, 11),
        units=st.integers(1, 3),
        cents=st.integers(1, 500),
        discount=st.integers(0, 100),
    ),
    min_size=1,
    max_size=40,
)


def load(shop: list[Purchase], night: int) -> History:
    folder = Path(tempfile.mkdtemp())
    store = open_store(str(folder))
    publish_shop(store, folder, shop, START, night)
    return History.load(store, START + dt.timedelta(days=night))


def days_of(shop: list[Purchase], night: int) -> dict[tuple[str, str], list[int]]:
    found: dict[tuple[str, str], set[int]] = defaultdict(set)
    for line in shop:
        if line.day <= night:
            found[line.household, line.product].add(line.day)
    return {pair: sorted(days) for pair, days in found.items()}


def money(shop: list[Purchase], product: str, first: int, last: int) -> tuple[int, int]:
    lines = [line for line in shop if line.product == product and first < line.day <= last]
    return sum(line.cents for line in lines), sum(line.units for line in lines)


@settings(max_examples=15, deadline=None)
@given(shop=purchases, night=st.integers(0, 11))
def test_history_features_agree_with_the_plain_reference(shop, night):
    view = load(shop, 11).view(START + dt.timedelta(days=night))
    pairs = days_of(shop, night)
    inputs = view.household_inputs(["h1", "h2", "h3"], 8)
    for row, household in enumerate(["h1", "h2", "h3"]):
        mine = {product: days for (owner, product), days in pairs.items() if owner == household}
        first = {p: min(line.day for line in shop if line.product == p) for p in {line.product for line in shop}}
        order = sorted(mine, key=lambda p: (-mine[p][-1], -len(mine[p]), first[p], p))
        shown = [view.product_ids[index] for index in inputs["history_product"][row] if index >= 0]
        assert shown == order
        for slot, product in enumerate(order):
            features = dict(zip(HISTORY, inputs["history_features"][row, slot], strict=True))
            days = mine[product]
            gaps = [b - a for a, b in itertools.pairwise(days)]
            mean = sum(gaps) / len(gaps) if gaps else 0.0
            assert features["recency"] == pytest.approx(math.log1p(night - days[-1]), abs=1e-6)
            assert features["days_total"] == pytest.approx(math.log1p(len(days)), abs=1e-6)
            for tau in (7, 28, 84, 140):
                assert features[f"decay_{tau}"] == pytest.approx(
                    math.log1p(sum(math.exp((d - night) / tau) for d in days)), abs=1e-6
                )
            assert features["gap_mean"] == pytest.approx(math.log1p(mean), abs=1e-6)
            spread = math.sqrt(sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) if gaps else 0.0
            assert features["gap_spread"] == pytest.approx(math.log1p(spread), abs=1e-3)
            assert features["single"] == (len(days) == 1)
            mine_today = [x for x in shop if (x.household, x.product, x.day) == (household, product, days[-1])]
            price = sum(x.cents for x in mine_today) / sum(x.units for x in mine_today)
            cents, units = money(shop, product, -1, night)
            ratio = min(2.0, max(-2.0, math.log(price / (cents / units))))
            assert features["price_against_usual"] == pytest.approx(ratio, abs=1e-5)


@settings(max_examples=15, deadline=None)
@given(shop=purchases, night=st.integers(0, 11))
def test_product_and_household_features_agree_with_the_plain_reference(shop, night):
    view = load(shop, 11).view(START + dt.timedelta(days=night))
    pairs = days_of(shop, night)
    assert view.product_ids == sorted(
        {product for _, product in pairs}, key=lambda p: (min(line.day for line in shop if line.product == p), p)
    )
    for index, product in enumerate(view.product_ids):
        features = dict(zip(PRODUCT, view.product_features[index], strict=True))
        buyers = [d for (_, p), days in pairs.items() if p == product for d in days]
        new = [days[0] for (_, p), days in pairs.items() if p == product]
        for days in (7, 28):
            assert features[f"buyers_{days}"] == pytest.approx(math.log1p(sum(d > night - days for d in buyers)), abs=1e-6)
            assert features[f"new_buyers_{days}"] == pytest.approx(math.log1p(sum(d > night - days for d in new)), abs=1e-6)
        assert features["repeat_rate"] == pytest.approx(1 - len(new) / len(buyers), abs=1e-6)
        cents, units = money(shop, product, -1, night)
        assert features["usual_price"] == pytest.approx(math.log1p(cents / units), abs=1e-5)
        assert view.universe[index] == (len(new) >= 5)
    values = view.household_inputs(["h1", "h2", "h3"], 8)["household_features"]
    for row, household in enumerate(["h1", "h2", "h3"]):
        visits = sorted({line.day for line in shop if line.household == household and line.day <= night})
        features = dict(zip(HOUSEHOLD, values[row], strict=True))
        assert features["days_total"] == pytest.approx(math.log1p(len(visits)), abs=1e-6)
        if visits:
            assert features["recency"] == pytest.approx(math.log1p(night - visits[-1]), abs=1e-6)
        else:
            assert not values[row].any()


def same(left, right) -> bool:
    asked = sorted({*left.households, "stranger"})
    one, two = left.household_inputs(asked, 8), right.household_inputs(asked, 8)
    return (
        left.product_ids == right.product_ids
        and left.households == right.households
        and all(np.array_equal(one[name], two[name]) for name in one)
        and np.array_equal(left.product_features, right.product_features)
        and np.array_equal(left.universe, right.universe)
    )


@settings(max_examples=10, deadline=None)
@given(shop=purchases, night=st.integers(0, 10))
def test_planted_future_rows_reach_no_view(shop, night):
    planted = [Purchase("h1", "sentinel", night + 1, 3, 99999, 0), Purchase("sentinel", "a", night + 1, 3, 99999, 0)]
    known = [line for line in shop if line.day <= night]
    if known:
        at = START + dt.timedelta(days=night)
        seen, clean = load(shop + planted, 11).view(at), load(known, night).view(at)
        assert "sentinel" not in seen.product_ids and "sentinel" not in seen.households
        assert same(seen, clean)


SHOP = [Purchase("h1", "a", day, 1, 100, 0) for day in range(0, 12, 2)] + [Purchase("h2", "b", 3, 2, 50, 10)]


def test_a_stranger_has_empty_slots_and_zeros():
    inputs = load(SHOP, 11).view(START + dt.timedelta(days=11)).household_inputs(["stranger"], 16)
    assert inputs["history_product"].tolist() == [[-1]]
    assert not inputs["history_features"].any() and not inputs["household_features"].any()


def test_nobody_asked_gives_an_empty_batch():
    inputs = load(SHOP, 11).view(START).household_inputs([], 16)
    assert inputs["history_product"].shape == (0, 1)
    assert inputs["history_features"].shape == (0, 1, len(HISTORY)) and inputs["household_features"].shape == (
        0,
        len(HOUSEHOLD),
    )


def test_slots_keep_the_most_recent_products():
    lines = [Purchase("h1", name, day, 1, 100, 0) for day, name in enumerate("abcdef")]
    view = load(lines, 11).view(START + dt.timedelta(days=11))
    chosen = view.household_inputs(["h1"], 3)["history_product"][0]
    assert [view.product_ids[index] for index in chosen] == ["f", "e", "d"]


def test_all_inputs_are_finite_float32():
    view = load(SHOP, 11).view(START)
    inputs = view.household_inputs(["h1", "h2"], 8)
    for values in (inputs["history_features"], inputs["household_features"], view.product_features):
        assert values.dtype == np.float32 and np.isfinite(values).all()


def test_a_view_past_the_loaded_night_is_refused():
    history = load(SHOP, 5)
    with pytest.raises(Refused, match="is not within"):
        history.view(START + dt.timedelta(days=6))
    with pytest.raises(Refused, match="are not known on night"):
        history.bought(START, START + dt.timedelta(days=6))


def test_bought_gives_each_household_its_products_in_the_days_asked_for():
    history = load(SHOP, 11)
    assert history.bought(START + dt.timedelta(days=3), START + dt.timedelta(days=4)) == {"h1": {0}, "h2": {1}}
    assert history.active(START + dt.timedelta(days=11), days=3) == ["h1"]
