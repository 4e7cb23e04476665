"""Every feature in numpy against plain Python over raw lines. A further entry is tested here without a further line."""

import datetime as dt
from functools import lru_cache

import numpy as np
import pytest

from include import recipes
from include.errors import Refused
from include.features import numpy_engine
from include.features.algebra import (
    Const,
    Context,
    Decay,
    Expr,
    Key,
    Lookup,
    Of,
    OnLast,
    Recent,
    Since,
    Total,
    Window,
    log1p,
    where,
)
from include.features.asof import History, NightView
from include.features.entries import ENTRIES, FAMILIES
from include.features.entry import Entry, Family, collect
from include.features.kinds import kind_of
from include.features.spec import SPEC, FeatureSpec
from include.recipes.columns import HISTORY, HOUSEHOLD, PRODUCT, Columns
from tests.features.plain_features import PlainNight
from tests.features.plain_shops import SHOPS, PlainShop, plain_shop

HOUSEHOLDS = ["h1", "h2", "stranger", *(f"h{number}" for number in range(3, 8))]
NIGHTS = [(name, night) for name, (_, nights, _) in SHOPS.items() for night in sorted({0, nights // 2, nights - 1})]


@lru_cache
def seen(name: str) -> tuple[PlainShop, History]:
    shop = plain_shop(name)
    return shop, History.load(shop.store, shop.date(shop.last), shop.spec, shop.country)


@lru_cache
def at(name: str, night: int) -> tuple[NightView, PlainNight, dict[str, np.ndarray]]:
    shop, history = seen(name)
    view = history.view(shop.date(night))
    return view, shop.plain(night, view.product_ids), view.household_inputs(HOUSEHOLDS, 16)


def served(view: NightView, inputs: dict[str, np.ndarray], entity: str, name: str) -> dict[tuple[str, ...], object]:
    """What the served path says of an entry, by the key of its rows."""
    if entity == "product":
        value = ENTRIES[entity, name][1].value
        if kind_of(value, entity) == "text":
            column = view.frame("product").texts(value).to_pylist()
        else:
            column = view.product_features[:, view.spec.columns.product.index(name)].tolist()
        return {(product,): found for product, found in zip(view.product_ids, column, strict=True)}
    if entity == "pair":
        column = inputs["history_features"][..., view.spec.columns.history.index(name)]
        rows, slots = np.nonzero(inputs["history_product"] >= 0)
        return {
            (HOUSEHOLDS[row], view.product_ids[inputs["history_product"][row, slot]]): float(column[row, slot])
            for row, slot in zip(rows, slots, strict=True)
        }
    if name in inputs:
        return {(household,): row.tolist() for household, row in zip(HOUSEHOLDS, inputs[name], strict=True)}
    column = inputs["household_features"][:, view.spec.columns.household.index(name)].tolist()
    return {(household,): found for household, found in zip(HOUSEHOLDS, column, strict=True)}


@pytest.mark.parametrize(("entity", "name"), ENTRIES)
def test_an_entry_agrees_with_the_plain_reference(entity: str, name: str) -> None:
    value = ENTRIES[entity, name][1].value
    for shop, night in NIGHTS:
        view, plain, inputs = at(shop, night)
        found = served(view, inputs, entity, name)
        known = set(plain.rows(entity))
        assert known <= set(found) or entity == "night"
        for row, mine in found.items():
            if entity == "night":
                right = plain.value(value, entity, ())
            elif row in known:
                right = plain.value(value, entity, row)
            elif entity == "product" and shop == "late" and kind_of(value, entity) != "text":
                continue  # all of its purchases were taken back; it keeps its index, and is in no universe
            else:
                right = [-1] * len(mine) if isinstance(mine, list) else 0
            assert agrees(mine, right), (shop, night, row, mine, right)


def agrees(mine: object, right: object) -> bool:
    """Texts and lists as they are, numbers to what float32 holds."""
    if isinstance(mine, str):
        return mine == (right or "")
    return mine == right if isinstance(mine, list) else mine == pytest.approx(float(right), abs=2e-6, rel=2e-6)


def test_recipes_read_what_they_always_read() -> None:
    assert SPEC.columns == Columns(history=HISTORY, household=HOUSEHOLD, product=PRODUCT) and not SPEC.reads_calendar
    assert (len(HISTORY), len(HOUSEHOLD), len(PRODUCT)) == (18, 8, 15)
    for surface in recipes.surfaces():
        assert recipes.columns(surface) == Columns()


def test_a_feature_that_nobody_chose_costs_nothing() -> None:
    lean = FeatureSpec(columns=Columns(history=("recency",), household=("recency",), product=("recency",)))
    assert lean.counters == {"household_product": ("days_total",), "product": ("new_buyers_total",), "household": ()}
    assert lean.tables == () and lean.digest != SPEC.digest
    shop = plain_shop("lonely")
    view = History.load(shop.store, shop.date(shop.last), lean).view(shop.date(shop.last))
    assert view.household_inputs(HOUSEHOLDS, 4)["history_features"].shape[2] == view.product_features.shape[1] == 1


def test_a_stranger_has_zeros_but_the_nights_own_facts() -> None:
    view, _, inputs = at("year", SHOPS["year"][1] // 2)
    stranger = HOUSEHOLDS.index("stranger")
    names, values = view.spec.columns.household, inputs["household_features"][stranger]
    own = [entity == "household" for entity, _ in view.spec.chosen["household"]]
    assert not values[own].any() and (inputs["history_product"][stranger] == -1).all()
    assert values[names.index("week_sine")] == inputs["household_features"][0][names.index("week_sine")] != 0


def test_a_night_before_the_data_is_refused() -> None:
    _, history = seen("lonely")
    with pytest.raises(Refused, match="is not within"):
        history.view(history.first - dt.timedelta(days=1))


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"history": ("recensy",)}, "no feature recensy for history; did you mean recency"),
        ({"product": ("type",)}, "no feature type for product"),
        ({"household": ("last_products_50",)}, "no feature last_products_50 for household"),
        ({"sequences": ("recency",)}, "no feature recency for sequences; there are last_ages_50"),
        ({"history": ("display_share",)}, "no feature display_share for history"),
        ({"history": ("due", "due")}, "names history feature due twice"),
        ({"product": ("x" * 500,)}, "no feature x{60} for product; there are"),
    ],
)
def test_a_recipe_that_asks_for_what_does_not_exist_is_refused(columns: dict, words: str) -> None:
    with pytest.raises(Refused, match=words):
        _ = FeatureSpec(columns=Columns(**columns)).digest


@pytest.mark.parametrize(
    ("entity", "value", "words"),
    [
        ("pair", Total("unit"), "A pair has no counter unit; did you mean units"),
        ("pair", Window("discount_cents", 7), "A pair has no counter discount_cents"),
        ("pair", OnLast("days"), "A pair has no counter days"),
        ("night", Total("units"), "A night has no counter units"),
        ("pair", Window("units", 1.5), "A window of 1.5 days is no whole number of days"),
        ("pair", Window("units", 0), "A window of 0 days"),
        ("pair", Window("units", True), "A window of True days"),
        ("pair", Decay("units", 0), "A decay over 0 days"),
        ("pair", Since("middle"), "first or last"),
        ("product", Lookup("plam", "stores"), "no table plam; did you mean plan"),
        ("product", Lookup("plan", "store"), "no column store; did you mean stores"),
        ("household", Lookup("plan", "stores"), "A household has no key product"),
        ("pair", Lookup("plan", "stores", (Total("units"),)), "is no key"),
        ("product", log1p(Lookup("catalogue", "type")), "log1p takes numbers, not a text"),
        ("product", where(Total("units"), 1, 0), "where takes a condition"),
        ("product", Of("household", Total("days")), "A product has no household of its own"),
        ("household", Key("product"), "A household has no key product"),
        ("household", Context("holidays_ahead"), "a fact of the night"),
        ("night", Context("holiday"), "no fact holiday of a night; did you mean"),
        ("product", Recent("product", 5), "not a household's sequence"),
        ("household", log1p(Recent("product", 5)), "log1p takes numbers, not a list"),
        ("shelf", Const(1), "Family f is of a shelf, which does not exist"),
    ],
)
def test_an_entry_that_cannot_be_computed_is_refused(entity: str, value: Expr, words: str) -> None:
    with pytest.raises(Refused, match=words):
        collect([Family("f", entity, "", "shop", (Entry("odd", value, "", ""),))])


def test_two_entries_of_one_name_are_refused() -> None:
    with pytest.raises(Refused, match="Two features of a pair are called recency"):
        collect([*FAMILIES, Family("f", "pair", "", "shop", (Entry("recency", Total("days"), "", ""),))])


def test_every_function_is_total() -> None:
    for name, answer in numpy_engine.FUNCTIONS.items():
        arguments = [np.array([-2.0, 0.0, 3.0])] * {"where": 3}.get(name, 2)
        found = answer(*arguments[: 1 if name in ("log", "log1p", "sqrt", "tanh") else 3])
        assert np.isfinite(found).all(), name
