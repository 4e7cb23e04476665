"""What the gateway promises, asked of a real one in front of real servers under the supervisor."""

import itertools
import json
import os
import signal
import time
import urllib.error
import urllib.request
from collections import Counter

import grpc
import numpy as np
import pytest

from include.errors import Refused, TryAgain
from include.serving import processes
from include.serving.attempts import Attempt, log_end, read_attempts
from include.serving.gateway import Gateway
from include.serving.predict import Client
from include.serving.routes import SurfaceRoute

pytestmark = pytest.mark.slow

HOUSEHOLDS = [f"h{number}" for number in range(300)]


def rest(stack, household="h1", surface="scale", verb="predict", method="POST", **headers) -> tuple[int, str, dict]:
    """Status, arm, body."""
    request = urllib.request.Request(
        f"http://{stack.gateway.address}/v1/models/{surface}:{verb}",
        data=b'{"instances": [[1.0, 2.0]]}' if method == "POST" else None,
        headers={"x-nightfill-household": household, **{name.replace("_", "-"): value for name, value in headers.items()}},
        method=method,
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:
            return reply.status, reply.headers.get("x-nightfill-arm", ""), json.load(reply)
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get("x-nightfill-arm", ""), {}


@pytest.fixture(scope="module")
def channel(stack):
    with grpc.insecure_channel(stack.gateway.address) as opened:
        yield opened


@pytest.fixture(scope="module")
def ask(stack):
    """A gRPC Predict for a household; returns the arm that answered, or the code that came instead."""
    with Client(stack.gateway.address) as client:

        def one(household: str, surface: str = "scale", arm: str = "") -> str:
            reply = client.predict(surface, {"x": np.ones((1, 2), np.float32)}, household=household, arm=arm, seconds=10)
            return reply.headers["x-nightfill-arm"] if reply.code == "OK" else reply.code

        yield one


def push(stack, weight: float, salt: str = "s1") -> None:
    stack.gateway.push({"scale": SurfaceRoute(weight=weight, salt=salt)})


@pytest.fixture(scope="module", autouse=True)
def deployed(stack):
    stack.deploy(0, "stable-a", "stable-b")
    stack.deploy(1, "canary", "shadow")
    push(stack, 0)


def served_by_the_canary(stack) -> int:
    """The replica's own count of requests for the surface."""
    url = f"{stack.replica('canary').rest}/monitoring/prometheus/metrics"
    with urllib.request.urlopen(url, timeout=5) as page:
        lines = page.read().decode().splitlines()
    return sum(
        int(line.split()[-1]) for line in lines if line.startswith(':tensorflow:serving:request_count{model_name="scale"')
    )


def attempts_since(stack, offset: int) -> list[Attempt]:
    time.sleep(0.5)  # the log is flushed every 0.2 s
    return read_attempts(stack.gateway.attempts, offset)[0]


def test_shares_follow_weights_and_nobody_is_sent_back(stack, ask):
    canaries = []
    for weight in (5, 25, 50, 100):
        push(stack, weight)
        canaries.append({household for household in HOUSEHOLDS if ask(household) == "canary"})
        assert abs(len(canaries[-1]) / len(HOUSEHOLDS) - weight / 100) < 0.08
    assert all(small <= large for small, large in itertools.pairwise(canaries))


def test_rest_and_grpc_send_a_household_to_the_same_arm(stack, ask):
    push(stack, 50)
    assert all(rest(stack, household)[1] == ask(household) for household in HOUSEHOLDS[:40])


def test_another_salt_chooses_other_households(stack, ask):
    push(stack, 50, "one")
    first = {household for household in HOUSEHOLDS if ask(household) == "canary"}
    push(stack, 50, "two")
    second = {household for household in HOUSEHOLDS if ask(household) == "canary"}
    assert 0.2 < len(first & second) / len(first) < 0.8


def test_weight_nothing_is_nothing_by_the_replicas_own_counter(stack, ask):
    push(stack, 100)
    assert ask("h1") == "canary"
    push(stack, 0)
    before = served_by_the_canary(stack)
    assert Counter(ask(household) for household in HOUSEHOLDS) == {"stable": len(HOUSEHOLDS)}
    assert served_by_the_canary(stack) == before


def test_the_shadow_answers_only_who_asks_for_it(stack, ask):
    push(stack, 0)
    offset = log_end(stack.gateway.attempts)
    assert ask("h1", arm="shadow") == "shadow"
    status, arm, body = rest(stack, x_nightfill_arm="shadow")
    assert (status, arm, body["predictions"][0]["version"]) == (200, "shadow", 2)
    assert {ask(household) for household in HOUSEHOLDS[:50]} == {"stable"}
    assert sum(one.arm == "shadow" for one in attempts_since(stack, offset)) == 2


def test_a_client_cannot_choose_the_canary(stack, ask):
    assert rest(stack, x_nightfill_arm="canary")[0] == 404
    assert ask("h1", arm="canary") == "UNIMPLEMENTED"


@pytest.mark.parametrize(
    ("surface", "verb", "method"),
    [
        ("nowhere", "predict", "POST"),
        ("scale", "classify", "POST"),
        ("scale", "predict", "GET"),
        ("scale%2f..", "predict", "POST"),
    ],
)
def test_other_paths_are_not_there(stack, surface, verb, method):
    assert rest(stack, surface=surface, verb=verb, method=method)[0] in (400, 404)


@pytest.mark.parametrize(
    "path", ["/v1/models/scale", "/v1/models", "/monitoring/prometheus/metrics", "/v1/models/scale/metadata"]
)
def test_the_servers_own_pages_are_not_reachable(stack, path):
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"http://{stack.gateway.address}{path}", timeout=5)
    assert caught.value.code == 404


@pytest.mark.parametrize(
    "call",
    [
        "ModelService/HandleReloadConfigRequest",
        "ModelService/GetModelStatus",
        "PredictionService/GetModelMetadata",
        "PredictionService/Classify",
    ],
)
def test_other_calls_are_refused(channel, call):
    with pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary(f"/tensorflow.serving.{call}")(b"", metadata=[("x-nightfill-surface", "scale")], timeout=5)
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_an_unknown_surface_is_refused(ask):
    assert ask("h1", surface="nowhere") == "UNIMPLEMENTED"


def test_a_broken_route_file_is_refused_and_the_old_routes_stay(stack, ask):
    push(stack, 100)
    good = stack.gateway.route_file.read_text()
    for broken in ("{", "", good.replace("canary_grpc", "nowhere"), good.replace("retry_policy", "retry_polcy")):
        stack.gateway.route_file.with_suffix(".new").write_text(broken)
        stack.gateway.route_file.with_suffix(".new").replace(stack.gateway.route_file)
        time.sleep(0.3)
        assert not stack.gateway.ready()
        assert ask("h1") == "canary"
    assert "the last good copy took its place" in stack.gateway.prepare()
    stack.gateway.wait_ready()
    assert stack.gateway.current()["scale"].weight == 100


def test_routes_that_the_binary_refuses_change_nothing(stack):
    push(stack, 10)
    before = stack.gateway.route_file.read_bytes()
    with pytest.raises(Refused, match="refuses these routes"):
        stack.gateway.push(
            {"scale": SurfaceRoute.model_construct(weight=-3.0, salt="", per_try_seconds=1.0, total_seconds=3.0)}
        )
    assert stack.gateway.route_file.read_bytes() == before and stack.gateway.ready()


def test_pushing_one_surface_leaves_the_others(stack):
    push(stack, 10)
    stack.gateway.push({"other": SurfaceRoute(weight=0)})
    assert set(stack.gateway.current()) == {"scale", "other"}
    stack.gateway.drop("other")
    assert set(stack.gateway.current()) == {"scale"}


def test_a_gateway_that_is_down_takes_no_routes(settings):
    gateway = Gateway(settings)
    gateway.prepare()
    before = gateway.route_file.read_bytes()
    with pytest.raises(TryAgain, match="does not answer"):
        gateway.push({"home": SurfaceRoute(weight=5)})
    assert gateway.route_file.read_bytes() == before and not gateway.ready()


def test_a_canary_without_the_model_costs_a_retry_and_no_answer(stack, ask):
    push(stack, 50)
    offset = log_end(stack.gateway.attempts)
    stack.replica("canary").retire("scale")
    try:
        assert {ask(household) for household in HOUSEHOLDS[:60]} == {"stable"}
        assert {rest(stack, household)[0] for household in HOUSEHOLDS[:20]} == {200}
    finally:
        stack.deploy(1, "canary")
    bad = [one for one in attempts_since(stack, offset) if not one.ok]
    assert bad and {one.arm for one in bad} == {"canary"} and {one.grpc for one in bad} == {5, None}


def test_a_new_version_takes_over_without_a_failed_request(stack, ask):
    push(stack, 0)
    for version in (1, 0):
        for name in ("stable-a", "stable-b"):
            stack.deploy(version, name)
            assert stack.replica(name).answers_with("scale") == version
            assert {ask(household) for household in HOUSEHOLDS[:20]} == {"stable"}


def test_a_corrupt_bundle_is_refused_and_what_serves_stays(stack, tmp_path):
    from include.rollout import registry

    folder = tmp_path / "bundle"
    folder.mkdir()
    (folder / "saved_model.pb").write_bytes(b"not a model")
    version = registry.register(stack.store, "scale", folder, "f" * 16, {"night": "2017-10-29"}, {})
    with pytest.raises(Refused, match="could not load scale version"):
        stack.deploy(version, "shadow")
    assert stack.replica("shadow").answers_with("scale") == 1
    assert stack.replica("shadow").versions() == {"scale": [1]}


def test_a_dead_canary_costs_retries_and_no_answer(stack, ask):
    push(stack, 50)
    canary = next(one for one in processes.status(stack.settings) if one.name == "canary")
    offset = log_end(stack.gateway.attempts)
    os.kill(canary.pid, signal.SIGKILL)
    until, answered = time.monotonic() + 3, Counter()
    while time.monotonic() < until:
        for household in HOUSEHOLDS[:40]:
            answered[ask(household)] += 1
    assert set(answered) == {"stable"} and answered["stable"] > 100
    tried = attempts_since(stack, offset)
    assert any(one.arm == "canary" and not one.ok for one in tried)
    assert any(one.attempt == 2 and one.arm == "stable" for one in tried)


def test_a_killed_gateway_comes_back_with_its_routes(stack, ask):
    push(stack, 20, "kept")
    stack.gateway.route_file.write_text("{ torn")
    envoy = next(one for one in processes.status(stack.settings) if one.name == "envoy")
    os.kill(envoy.pid, signal.SIGKILL)
    time.sleep(0.5)
    stack.gateway.wait_ready(20)
    assert stack.gateway.current()["scale"] == SurfaceRoute(weight=20, salt="kept")
    assert rest(stack)[0] == 200


def test_starting_again_touches_nothing_that_runs(stack):
    before = {one.name: one.pid for one in processes.status(stack.settings) if one.name != "canary"}
    processes.start(stack.settings)
    assert {one.name: one.pid for one in processes.status(stack.settings) if one.name != "canary"} == before
