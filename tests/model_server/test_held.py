"""Runs that keep the interpreter give what the others give, and are kept from what they could block."""

import importlib.metadata
import sys
import threading

import numpy as np
import pytest
import tensorflow as tf

from include.model_server import sessions
from include.model_server.held import TRIED
from include.model_server.sessions import Servable

pytestmark = pytest.mark.slow

RUNS = 5
"""Enough for a run to be known and planned for."""


class Made(tf.Module):
    """A graph of every kind that matters here."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = tf.Variable(0, dtype=tf.int64)

    @tf.function(input_signature=[tf.TensorSpec(None, tf.float32, "x"), tf.TensorSpec([None], tf.int32, "k")])
    def serve(self, x, k):
        return {"double": 2 * x, "k": k[:0], "total": tf.reduce_sum(x), "large": tf.cast(x, tf.float64) > 1}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int64, "x")])
    def count(self, x):
        return {"calls": self.calls.assign_add(tf.reduce_sum(x))}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "x")])
    def refuse(self, x):
        with tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(x >= 0), ["below zero"], summarize=3)]):
            return {"root": tf.sqrt(x)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "x")])
    def text(self, x):
        return {"x": x}


class Calling(tf.Module):
    """Needs Python while it runs."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "x")])
    def serve(self, x):
        return {"y": tf.numpy_function(lambda values: values + 1, [x], tf.float32)}


@pytest.fixture
def folder(tmp_path):
    made = Made()
    signatures = {"serving_default": made.serve, "count": made.count, "refuse": made.refuse, "text": made.text}
    tf.saved_model.save(made, str(tmp_path / "1"), signatures=signatures)
    return tmp_path / "1"


@pytest.fixture
def servable(folder, monkeypatch):
    monkeypatch.setattr(sessions, "SHORT", 1.0)  # a busy machine must not decide what is tested
    made = Servable(folder, ["serve"], 1, 1)
    yield made
    made.close()


def ask(servable, signature, **inputs):
    definition = servable.signatures[signature]
    values = servable.run({definition.feeds[name]: value for name, value in inputs.items()}, list(definition.fetches.values()))
    return dict(zip(definition.fetches, values, strict=True))


def plans(servable):
    return len(servable._held._plans)


@pytest.mark.parametrize("shape", [(), (1,), (3, 2), (2, 1, 4)])
def test_a_held_run_gives_the_bits_of_the_first(servable, shape):
    x, k = np.random.default_rng(1).normal(size=shape).astype(np.float32), np.arange(3, dtype=np.int32)
    first = ask(servable, "serving_default", x=x, k=k)
    for _ in range(RUNS):
        again = ask(servable, "serving_default", x=x, k=k)
    assert plans(servable) == 1
    for name, value in first.items():
        assert again[name].dtype == value.dtype and again[name].shape == value.shape
        assert again[name].tobytes() == value.tobytes()


def test_arrays_that_lie_otherwise_in_memory_are_read_as_they_are(servable):
    x, k = np.arange(6, dtype=np.float32).reshape(2, 3), np.zeros(1, np.int32)
    for _ in range(RUNS):
        found = ask(servable, "serving_default", x=x.T, k=k)
    assert found["double"].tolist() == (2 * x.T).tolist()


def test_another_kind_of_number_is_refused_in_the_same_words(servable):
    x, k = np.ones(2, np.float32), np.zeros(1, np.int32)
    for _ in range(RUNS):
        ask(servable, "serving_default", x=x, k=k)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"Expects arg\[1\] to be float but double is provided"):
        ask(servable, "serving_default", x=x.astype(np.float64), k=k)


def test_both_manners_of_running_share_the_variables(servable):
    for expected in range(1, RUNS + 1):
        assert ask(servable, "count", x=np.ones(1, np.int64))["calls"] == expected
    assert plans(servable) == 1
    assert ask(servable, "count", x=np.ones(2, np.int64))["calls"] == RUNS + 2  # another shape: not held


def test_what_the_graph_says_comes_through_and_the_next_run_is_well(servable):
    with pytest.raises(tf.errors.InvalidArgumentError) as before:
        ask(servable, "refuse", x=np.array([-1, 4], np.float32))
    for _ in range(RUNS):
        assert ask(servable, "refuse", x=np.array([1, 4], np.float32))["root"].tolist() == [1, 2]
    assert plans(servable) == 1
    for _ in range(RUNS):
        with pytest.raises(tf.errors.InvalidArgumentError) as held:
            ask(servable, "refuse", x=np.array([-1, 4], np.float32))
        assert held.value.message == before.value.message
    assert ask(servable, "refuse", x=np.array([9, 4], np.float32))["root"].tolist() == [3, 2]


def test_each_of_many_threads_gets_its_own_answer(servable):
    definition, wrong = servable.signatures["refuse"], []

    def asks(number):
        for turn in range(300):
            x = np.array([number, turn], np.float32) ** 2
            if servable.run({definition.feeds["x"]: x}, list(definition.fetches.values()))[0].tolist() != [number, turn]:
                wrong.append(number)

    threads = [threading.Thread(target=asks, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong and plans(servable) == 1


def test_texts_and_large_and_empty_inputs_are_not_held(servable):
    k = np.zeros(1, np.int32)
    for _ in range(RUNS):
        assert ask(servable, "text", x=np.array([b"a"], object))["x"].tolist() == [b"a"]
        ask(servable, "serving_default", x=np.ones(2000, np.float32), k=k)
        ask(servable, "serving_default", x=np.ones(0, np.float32), k=k)
    assert not plans(servable)


def test_long_runs_are_not_held(folder, monkeypatch):
    monkeypatch.setattr(sessions, "SHORT", 0.0)
    servable = Servable(folder, ["serve"], 1, 1)
    for _ in range(RUNS):
        ask(servable, "refuse", x=np.ones(1, np.float32))
    assert not plans(servable)
    servable.close()


def test_a_graph_that_needs_python_is_not_held(tmp_path, monkeypatch):
    """It would wait for the interpreter, which the run holds, for ever."""
    monkeypatch.setattr(sessions, "SHORT", 1.0)
    module = Calling()
    tf.saved_model.save(module, str(tmp_path / "1"), signatures={"serving_default": module.serve})
    servable = Servable(tmp_path / "1", ["serve"], 1, 1)
    for _ in range(RUNS):
        assert ask(servable, "serving_default", x=np.ones(1, np.float32))["y"].tolist() == [2]
    assert not plans(servable)
    servable.close()


def test_shapes_that_clients_choose_fill_no_memory(servable, monkeypatch):
    monkeypatch.setattr("include.model_server.held.PLANS", 3)
    for size in range(1, 9):
        for _ in range(RUNS):
            assert ask(servable, "refuse", x=np.ones(size, np.float32))["root"].tolist() == [1] * size
    assert plans(servable) == 3


def test_the_version_of_tensorflow_that_we_ask_for_was_tried():
    """The pointers are read from where this version keeps them: look at `held` before another one is allowed."""
    assert sys.implementation.name != "cpython" or importlib.metadata.version("tensorflow").startswith(TRIED)
