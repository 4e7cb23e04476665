import json

import pytest
from pydantic import ValidationError

from include.errors import Refused
from include.serving.bootstrap import bootstrap
from include.serving.clusters import clusters
from include.serving.precheck import precheck
from include.serving.routes import WHOLE, SurfaceRoute, routes, surfaces_of
from include.settings import Settings


def table(**surfaces: SurfaceRoute) -> list[dict]:
    return routes(surfaces)["resources"][0]["virtual_hosts"][0]["routes"]


def split(route: dict) -> dict[str, int]:
    groups = route["route"]["inline_cluster_specifier_plugin"]["extension"]["typed_config"]["priority_groups"]
    return {one["cluster_name"]: one["weight"] for one in groups[0]["clusters"]}


def test_the_canary_comes_first_and_weights_have_a_constant_sum():
    shares = split(table(home=SurfaceRoute(weight=5))[1])
    assert list(shares) == ["canary_grpc", "stable_grpc"]
    assert shares["canary_grpc"] == 500 and sum(shares.values()) == WHOLE


@pytest.mark.parametrize(("weight", "expected"), [(0, {"stable_rest": WHOLE}), (100, {"canary_rest": WHOLE})])
def test_a_share_of_nothing_is_left_out(weight, expected):
    assert split(table(home=SurfaceRoute(weight=weight))[3]) == expected


def test_every_retry_goes_to_stable():
    for route in (table(home=SurfaceRoute(weight=100))[1], table(home=SurfaceRoute())[1]):
        groups = route["route"]["inline_cluster_specifier_plugin"]["extension"]["typed_config"]["priority_groups"]
        assert groups[1]["clusters"] == [{"cluster_name": "stable_grpc", "weight": 1}]
        assert route["route"]["retry_policy"]["refresh_cluster_on_retry"] is True


@pytest.mark.parametrize("weight", [0, 5])
def test_an_answer_that_says_this_server_cannot_is_asked_again(weight):
    for route in table(home=SurfaceRoute(weight=weight))[1::2]:
        headers = route["route"]["retry_policy"]["retriable_headers"]
        codes = next(one["string_match"]["safe_regex"]["regex"].split("|") for one in headers if one["name"] == ":status")
        assert {"404", "500", "501"} <= set(codes)
        assert ("400" in codes) == (weight > 0)


def test_the_shadow_is_reached_only_by_its_header_and_never_retried():
    for route in table(home=SurfaceRoute(weight=50)):
        arm = next(header for header in route["match"]["headers"] if header["name"] == "x-nightfill-arm")
        if route["route"].get("cluster", "").startswith("shadow"):
            assert arm["string_match"] == {"exact": "shadow"} and "retry_policy" not in route["route"]
        else:
            assert arm["invert_match"] and "shadow" not in json.dumps(route["route"])


def test_the_salt_changes_the_hashed_value_and_nothing_else():
    one, other = (json.dumps(table(home=SurfaceRoute(weight=5, salt=salt))) for salt in ("r1", "r2"))
    assert one != other and one.replace("~r1", "~r2") == other


def test_routes_say_what_they_were_made_from():
    made_from = {"home": SurfaceRoute(weight=25, salt="r-7", per_try_seconds=0.5), "search": SurfaceRoute()}
    assert surfaces_of(json.loads(json.dumps(routes(made_from)))) == made_from


def test_equal_routes_have_equal_versions():
    assert routes({"a": SurfaceRoute()})["version_info"] == routes({"a": SurfaceRoute()})["version_info"]
    assert routes({"a": SurfaceRoute()})["version_info"] != routes({"a": SurfaceRoute(weight=1)})["version_info"]


@pytest.mark.parametrize("surface", ["", "Home", "a/b", "../x", "a:b", "1a", "x" * 60])
def test_a_surface_that_could_be_a_path_is_refused(surface):
    with pytest.raises(Refused, match="cannot be a surface"):
        routes({surface: SurfaceRoute()})


@pytest.mark.parametrize(
    "values", [{"weight": -1}, {"weight": 101}, {"salt": "a b"}, {"salt": "x" * 200}, {"per_try_seconds": 0}]
)
def test_a_route_out_of_bounds_is_refused(values):
    with pytest.raises(ValidationError):
        SurfaceRoute(**values)


def test_everything_listens_on_loopback(tmp_path):
    settings = Settings(port_base=21000)
    text = json.dumps([bootstrap(settings, tmp_path, tmp_path / "log"), clusters(settings)])
    assert '"0.0.0.0"' not in text and text.count('"address": "127.0.0.1"') == 2 + 2 * len(("a", "b", "canary", "shadow"))


@pytest.mark.slow
def test_the_binary_takes_good_routes_and_names_what_is_wrong_with_bad_ones():
    settings = Settings(port_base=21000)
    good = json.dumps(routes({"home": SurfaceRoute(weight=5, salt="r1")}))
    assert precheck(settings, json.loads(good), clusters(settings)) == ""
    for old, new, word in (
        ('"canary_rest"', '"canary_v9"', "unknown cluster"),
        ("retry_policy", "retry_polcy", "retry_polcy"),
        ('"weight": 500', '"weight": -5', "out of range"),
        ("%CLUSTER_METADATA(nightfill:arm)%", "%NOPE%", "NOPE"),
    ):
        assert word in precheck(settings, json.loads(good.replace(old, new)), clusters(settings))
    assert "not a route file" in precheck(settings, {"resources": []}, clusters(settings))
