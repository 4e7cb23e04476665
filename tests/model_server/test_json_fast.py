"""The quick way through a body gives what the careful one gives, or leaves it to it."""

import json
import types

import numpy as np
import pytest

pytestmark = pytest.mark.slow

FLOAT, INT32, INT64, STRING, BOOL = 1, 3, 9, 7, 10


@pytest.fixture
def both(monkeypatch):
    """Read a body in both ways: what the quick one found or None, and what the careful one found or its words."""
    from include.model_server import json_fast
    from include.model_server.errors import StatusError
    from include.model_server.json_read import read_inputs
    from include.model_server.json_text import parse_body

    monkeypatch.setattr(json_fast, "WORTH", 0)

    def read(body, **kinds):
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        infos = {alias: types.SimpleNamespace(dtype=kind) for alias, kind in kinds.items()}
        fast = json_fast.FastBody.parse(text)
        quick = fast.inputs(infos) if fast else None
        try:
            careful = read_inputs(parse_body(text), infos, plain=b"true" not in text and b"false" not in text)
        except StatusError as error:
            careful = str(error)
        return quick, careful

    return read


NUMBERS = [[[1, 2.5], [-3e2, 0.1]], [[4, 5], [6, 7]]]


@pytest.mark.parametrize(
    ("body", "kinds"),
    [
        ({"inputs": NUMBERS}, {"x": FLOAT}),
        ({"instances": NUMBERS}, {"x": FLOAT}),
        ({"inputs": {"x": NUMBERS, "i": [1, -2], "j": [[1 << 40]], "other": None}}, {"x": FLOAT, "i": INT32, "j": INT64}),
        ({"instances": [{"x": [1, 2], "s": "a", "b": True}, {"x": [3, 4.5], "s": {"b64": "Yg=="}, "b": False}]},
         {"x": FLOAT, "s": STRING, "b": BOOL}),
        ({"inputs": {"s": ["a", "é"], "b": [[True], [False]], "x": 3}}, {"s": STRING, "b": BOOL, "x": FLOAT}),
        ({"inputs": [[], []]}, {"x": FLOAT}),
        ({"inputs": [1e39, -1e39, 1]}, {"x": FLOAT}),
    ],
)  # fmt: skip
def test_plain_bodies_give_the_same_both_ways(both, body, kinds):
    (quick, row), (careful, careful_row) = both(body, **kinds)
    assert row == careful_row and quick.keys() == careful.keys()
    for alias, array in careful.items():
        assert quick[alias].dtype == array.dtype and quick[alias].shape == array.shape
        np.testing.assert_array_equal(quick[alias], array)


@pytest.mark.parametrize(
    ("body", "kinds"),
    [
        ({"inputs": [[1, 2, 3], [4]]}, {"x": FLOAT}),
        ({"inputs": [[1, 2], 3, 4]}, {"x": FLOAT}),
        ({"inputs": [1, [2]]}, {"x": FLOAT}),
        ({"instances": [[1, 2], [3]]}, {"x": FLOAT}),
        ({"inputs": [1, True]}, {"x": FLOAT}),
        ({"inputs": [1, None]}, {"x": FLOAT}),
        ({"inputs": [1.0]}, {"x": INT32}),
        ({"inputs": [1 << 31]}, {"x": INT32}),
        ({"inputs": [1 << 63]}, {"x": INT64}),
        ({"instances": [{"x": [1]}, {"y": [1]}]}, {"x": FLOAT}),
        ({"instances": [{"x": [1]}, [1]]}, {"x": FLOAT}),
        ({"instances": []}, {"x": FLOAT}),
        ({"inputs": [1], "instances": [1]}, {"x": FLOAT}),
        ({"inputs": [1]}, {"x": FLOAT, "y": FLOAT}),
        (b'{"instances": [{"x": 1, "x": 2}]}', {"x": FLOAT}),
        (b'{"inputs": [NaN, 1]}', {"x": FLOAT}),
        (b'{"inputs": [1]} more', {"x": FLOAT}),
        (b'{"inputs": [1', {"x": FLOAT}),
        (b"[" * 5000, {"x": FLOAT}),
        (b"[1]", {"x": FLOAT}),
    ],
)
def test_anything_else_is_left_to_the_careful_way(both, body, kinds):
    quick, careful = both(body, **kinds)
    assert quick is None and careful


@pytest.mark.parametrize("block", [1, 3, 100])
def test_lists_are_counted_across_blocks(monkeypatch, block):
    from include.model_server import json_fast

    monkeypatch.setattr(json_fast, "BLOCK", block)
    for body in (b"[[1],[2]]", bytearray(b'{"x": [[[]]]}')):
        assert json_fast._opened(body) == 3
    assert json_fast._opened(b"") == 0
