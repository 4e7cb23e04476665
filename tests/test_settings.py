import datetime as dt

import pytest

from include import nights, recipes
from include.errors import Refused
from include.settings import PORTS, Settings


def test_defaults_need_no_environment():
    settings = Settings.load({})
    assert settings.store_uri.endswith("var/store") and settings.port("gateway") == settings.port_base


def test_a_child_process_gets_the_same_settings():
    settings = Settings.load({"NIGHTFILL_PORT_BASE": "20000", "NIGHTFILL_SOURCE": '{"households": 50}'})
    assert Settings.load(settings.environ()) == settings and settings.source.households == 50


@pytest.mark.parametrize(
    "variable, value", [("PORT_BASE", "80"), ("PORT_BASE", "x"), ("SOURCE", "{"), ("SOURCE", '{"shop": 1}')]
)
def test_a_wrong_setting_is_refused_by_name(variable, value):
    with pytest.raises(Refused, match="NIGHTFILL_"):
        Settings.load({f"NIGHTFILL_{variable}": value})


def test_no_two_endpoints_share_a_port():
    assert len(set(PORTS.values())) == len(PORTS)


@pytest.mark.parametrize("text", ["", "2017-13-01", "2017-02-30", "20170101", "01.02.2017", "2017-1-1", "../2017-01-01", None])
def test_a_malformed_date_is_refused(text):
    with pytest.raises(Refused, match="YYYY-MM-DD"):
        nights.parse(text)


def test_a_span_holds_both_ends():
    first, last = dt.date(2017, 2, 27), dt.date(2017, 3, 1)
    assert [night.isoformat() for night in nights.span(first, last)] == ["2017-02-27", "2017-02-28", "2017-03-01"]
    assert nights.span(last, first) == []


def test_an_unknown_surface_or_recipe_is_refused_with_the_choices():
    with pytest.raises(Refused, match="home"):
        recipes.get("checkout", "quick")
    with pytest.raises(Refused, match="popularity, quick"):
        recipes.get("home", "slow")


def test_a_recipe_is_known_by_its_contents():
    quick = recipes.get("home", "quick")
    assert quick.digest == quick.model_copy().digest != quick.model_copy(update={"epochs": 7}).digest
