"""A search bundle behind the model server: the query travels over gRPC and REST, and no query breaks the server."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from include.serving.predict import Client
from tests import toy_search
from tests.model_server.conftest import Server

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("search")
    shutil.copytree(toy_search.bundle("text_ranker"), folder / "search" / "1")
    config = folder / "models.config"
    config.write_text(
        f'model_config_list {{ config {{ name: "search" base_path: "{folder}/search" model_platform: "tensorflow" }} }}'
    )
    made = Server(config, Path(folder) / "log")
    yield made.wait()
    made.stop()


def ask(shop: Server, *queries: str | bytes) -> Any:
    with Client(f"127.0.0.1:{shop.grpc_port}") as client:
        return client.predict("search", toy_search.asked(*queries), seconds=20)


def test_grpc_and_rest_give_the_same_answer(shop: Server) -> None:
    inputs = toy_search.asked("goat chese")
    by_grpc = ask(shop, "goat chese")
    assert by_grpc.code == "OK", by_grpc.detail
    body = {name: value.tolist() for name, value in inputs.items() if name != "query"} | {"query": ["goat chese"]}
    status, by_rest = shop.post("/v1/models/search:predict", {"inputs": body})
    assert status == 200, by_rest
    assert by_rest["outputs"]["product"][0] == by_grpc.outputs["product"][0].tolist()
    assert by_rest["outputs"]["score"][0] == pytest.approx(by_grpc.outputs["score"][0].tolist(), abs=1e-4)


@pytest.mark.parametrize("query", [b"", b"\xff\xfe", b"\x00" * 100, b"cheese " * 15_000, "\u202e\U0001f600".encode()])
def test_a_hostile_query_is_answered_and_the_server_goes_on(shop: Server, query: bytes) -> None:
    reply = ask(shop, query, "green tea")
    assert reply.code == "OK", reply.detail
    assert np.isfinite(reply.outputs["score"]).all()
    assert ask(shop, "green tea").code == "OK"


def test_a_query_that_is_missing_or_no_text_is_refused_in_words(shop: Server) -> None:
    with Client(f"127.0.0.1:{shop.grpc_port}") as client:
        inputs = toy_search.asked("tea")
        without = client.predict("search", {name: value for name, value in inputs.items() if name != "query"}, seconds=20)
        number = client.predict("search", inputs | {"query": np.zeros(1, np.float32)}, seconds=20)
        many = client.predict("search", inputs | {"query": np.array(["a", "b"], object)}, seconds=20)
    assert {reply.code for reply in (without, number, many)} == {"INVALID_ARGUMENT"}
    assert ask(shop, "green tea").code == "OK"
