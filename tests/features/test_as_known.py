"""What a model reads as of a night, where lines come late, against a shop that has just the lines known by then."""

import datetime as dt
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.evaluation.horizon import window
from include.features.asof import History, NightView
from include.recipes.recipe import Recipe
from include.store.objects import open_store
from include.training.assemble import assemble
from include.training.windows import windows
from include.training.workspace import Workspace
from tests.features.plain_etl import Purchase, known_on, publish_shop
from tests.features.plain_late import publish_late_shop

START = dt.date(2017, 3, 6)
LAST = 7


@st.composite
def histories(draw: st.DrawFn) -> list[Purchase]:
    """Lines of eight days; some come late, and some are corrected, moved to another household, or cancelled."""
    lines = []
    for number in range(draw(st.integers(1, 14))):
        day = draw(st.integers(0, LAST))
        household, product = draw(st.sampled_from("abc")), draw(st.sampled_from("wxyz"))
        known = draw(st.sampled_from([day, day, day, min(LAST, day + 2)]))
        lines.append(Purchase(household, product, day, draw(st.integers(1, 3)), draw(st.integers(50, 900)), 0, known, number))
        for later in draw(st.lists(st.integers(known + 1, LAST + 1), max_size=2, unique=True)):
            if later <= LAST:
                change = draw(st.sampled_from([{"units": 0}, {"cents": 77}, {"household": "d"}, {}]))
                lines.append(Purchase(**(vars(lines[-1]) | {"units": max(lines[-1].units, 1)} | change | {"known": later})))
    return lines


def late_shop(lines: list[Purchase], last: int = LAST) -> History:
    with tempfile.TemporaryDirectory() as root:
        store = open_store(f"{root}/store")
        publish_late_shop(store, Path(root), lines, START, last)
        return History.load(store, START + dt.timedelta(days=last))


def plain_shop(lines: list[Purchase], night: int) -> History:
    with tempfile.TemporaryDirectory() as root:
        store = open_store(f"{root}/store")
        known = [Purchase(**(vars(line) | {"known": -1})) for line in known_on(lines, night)]
        publish_shop(store, Path(root), known, START, night)
        return History.load(store, START + dt.timedelta(days=night))


def told(view: NightView) -> dict[str, Any]:
    """Everything that a model is asked with, by the shop's own ids; a product of which nothing is left says nothing."""
    inputs = view.household_inputs(view.households, 9)
    ids = view.product_ids
    pairs = {
        (household, ids[product]): features.tolist()
        for place, household in enumerate(view.households)
        for product, features in zip(inputs["history_product"][place], inputs["history_features"][place], strict=True)
        if product >= 0
    }
    bought = {product for _, product in pairs}
    products = {name: row.tolist() for name, row in zip(ids, view.product_features, strict=True) if name in bought}
    return {"pairs": pairs, "products": products, "households": inputs["household_features"].tolist()}


@settings(deadline=None, max_examples=8)
@given(histories(), st.integers(0, LAST))
def test_a_night_reads_as_if_only_what_was_known_by_then_had_ever_happened(lines, night):
    when = START + dt.timedelta(days=night)
    there, wanted = late_shop(lines).view(when), plain_shop(lines, night).view(when)
    assert there.households == wanted.households
    assert told(there) == told(wanted)


@settings(deadline=None, max_examples=4)
@given(histories(), st.integers(0, LAST))
def test_later_nights_change_nothing_that_an_old_night_reads(lines, night):
    when = START + dt.timedelta(days=night)
    whole, alone = late_shop(lines), late_shop(lines, night)
    assert told(whole.view(when)) == told(alone.view(when))
    assert whole.view(when).product_ids == alone.view(when).product_ids
    assert whole.bought(START, when) == alone.bought(START, when)


@settings(deadline=None, max_examples=4)
@given(histories(), st.integers(0, LAST))
def test_a_purchase_counts_as_bought_as_it_was_known_on_the_last_day(lines, night):
    when = START + dt.timedelta(days=night)
    shop = late_shop(lines)
    ids = shop.view(START + dt.timedelta(days=LAST)).product_ids
    wanted: dict[str, set[str]] = {}
    for line in known_on(lines, night):
        wanted.setdefault(line.household, set()).add(line.product)
    assert {name: {ids[i] for i in bought} for name, bought in shop.bought(START, when).items()} == wanted


RECIPE = Recipe(
    surface="home", name="quick", model="pair_ranker", train_weeks=2, gate_weeks=2, hot_products=16,
    history_slots=8, embedding=4, hidden=(16, 8), epochs=1, batch=16, learning_rate=0.01,
)  # fmt: skip
NIGHT = START + dt.timedelta(days=35)
CUT = windows(NIGHT, START, RECIPE.train_weeks, RECIPE.gate_weeks)
QUIET = [
    Purchase(f"h{who}", f"p{(who + day) % 4}", day, 1, 100 + who, 0, -1, 100 * day + who)
    for day in range(36)
    for who in range(6)
    if (who + day) % 3
]


def assembled(lines: list[Purchase], root: Path) -> dict[str, bytes]:
    store = open_store(str(root / "store"))
    publish_late_shop(store, root, lines, START, 35)
    history = History.load(store, NIGHT)
    assemble(history, RECIPE, CUT, history.first, Workspace(root / "work"))
    return {str(path.relative_to(root / "work")): path.read_bytes() for path in (root / "work").rglob("*.parquet")}


@pytest.fixture(scope="module")
def quiet(tmp_path_factory) -> dict[str, bytes]:
    return assembled(QUIET, tmp_path_factory.mktemp("quiet"))


@pytest.mark.slow
@pytest.mark.parametrize("night", CUT.nights[:-1])
def test_what_is_told_of_a_night_after_it_reaches_no_question_and_after_maturity_no_label(quiet, tmp_path, night):
    number = (night - START).days
    mature = (window(night)[1] - START).days
    sentinels = [
        Purchase(f"h{who}", "sentinel", day, 9, 9999, 0, known, 10_000 + 100 * known + 10 * who + day % 10)
        for day, known in ((number - 2, number + 1), (number, number + 1), (number + 3, mature + 1))
        for who in range(6)
    ]
    taken_back = [Purchase(**(vars(line) | {"units": 0, "known": mature + 1})) for line in QUIET if line.day == number + 2]
    planted = assembled(QUIET + sentinels + taken_back, tmp_path)
    for earlier in (one for one in CUT.nights if one <= night):
        for kind in ("products", "examples"):
            assert planted[f"{kind}/{earlier}.parquet"] == quiet[f"{kind}/{earlier}.parquet"], (kind, earlier)
    assert planted[f"products/{NIGHT}.parquet"] != quiet[f"products/{NIGHT}.parquet"]


@pytest.mark.slow
def test_a_training_set_has_the_same_bytes_after_later_nights_delivered_older_data(quiet, tmp_path):
    store = open_store(str(tmp_path / "store"))
    late = [Purchase("h1", "p1", 3, 5, 500, 0, 37, 7), Purchase("h9", "new", 30, 1, 50, 0, 36, 8)]
    publish_late_shop(store, tmp_path, QUIET + late, START, 38)
    history = History.load(store, NIGHT)
    assemble(history, RECIPE, CUT, history.first, Workspace(tmp_path / "work"))
    again = {str(p.relative_to(tmp_path / "work")): p.read_bytes() for p in (tmp_path / "work").rglob("*.parquet")}
    assert again == quiet
    assert np.isfinite(History.load(store, START + dt.timedelta(days=38)).view(NIGHT).product_features).all()
