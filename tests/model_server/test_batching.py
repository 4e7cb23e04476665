"""Joining calls, with a graph of numpy: what is joined, split, padded and refused."""

import threading
import time

import numpy as np
import pytest

from include.model_server.batch_queue import Scheduler
from include.model_server.batching import Batching
from include.model_server.batching_config import parse_batching
from include.model_server.errors import Code, StatusError
from include.model_server.metrics import Metrics


class World:
    """Batching over a graph that doubles, and remembers the batches that it saw. `hold` keeps it busy."""

    def __init__(self, text: str = "", threads: int = 1) -> None:
        self.metrics, self.seen, self.hold = Metrics(), [], threading.Event()
        self.hold.set()
        self.batching = Batching(parse_batching(text), Scheduler(threads), self.metrics)

    def graph(self, feeds, fetches, timeout_ms):
        self.hold.wait(5)
        self.seen.append(feeds["x"].tolist())
        return [feeds["x"] * 2 for _ in fetches]

    def run(self, x, fetches=("y",), timeout_ms=0, dtype=np.float32):
        return self.batching.run(self.graph, {"x": np.array(x, dtype)}, fetches, timeout_ms)[0].tolist()

    def together(self, *calls):
        """Results or errors of calls that wait in the queue at the same time."""
        self.hold.clear()
        found: list = [None] * len(calls)

        def one(position, call):
            try:
                found[position] = call()
            except StatusError as error:
                found[position] = error

        threads = []
        for position, call in enumerate(calls):
            threads.append(threading.Thread(target=one, args=(position, call)))
            threads[-1].start()
            time.sleep(0.05)
        self.hold.set()
        for thread in threads:
            thread.join(5)
        return found


def value(name, number):
    return f"{name} {{ value: {number} }} "


def test_callers_that_wait_are_joined_and_get_their_own_rows():
    world = World()
    assert world.together(*(lambda at=at: world.run([[at], [at + 0.5]]) for at in range(3))) == [
        [[2.0 * at], [2.0 * at + 1]] for at in range(3)
    ]
    assert [len(batch) for batch in world.seen] == [2, 4]


def test_a_batch_is_filled_up_with_the_last_callers_first_row():
    world = World(value("max_batch_size", 4) + "allowed_batch_sizes: 2 allowed_batch_sizes: 4")
    world.together(lambda: world.run([[1]]), lambda: world.run([[2]]), lambda: world.run([[3], [4]]))
    assert world.seen == [[[1], [1]], [[2], [3], [4], [3]]]
    assert world.run([[5]]) == [[10]]


def test_a_batch_waits_for_company_as_long_as_it_may():
    world = World(value("batch_timeout_micros", 200_000) + value("max_batch_size", 3))
    started = time.monotonic()
    assert world.run([[1]]) == [[2]] and time.monotonic() - started >= 0.19
    started = time.monotonic()
    assert world.run([[1], [2], [3]]) and time.monotonic() - started < 0.15, "a full batch waits for nobody"


def test_too_many_rows_are_refused_or_split():
    with pytest.raises(StatusError, match="Task size 9 is larger than maximum input batch size 8") as caught:
        World(value("max_batch_size", 8)).run([[0]] * 9)
    assert caught.value.code == Code.INVALID_ARGUMENT
    text = value("max_batch_size", 8) + value("enable_large_batch_splitting", "true") + value("max_execution_batch_size", 3)
    world = World(text)
    assert world.run([[at] for at in range(8)]) == [[2.0 * at] for at in range(8)]
    assert [len(batch) for batch in world.seen] == [3, 3, 2]


def test_a_full_queue_says_so_at_once():
    world = World(value("max_batch_size", 1) + value("max_enqueued_batches", 1))
    _, waiting, refused = world.together(*[lambda: world.run([[1]])] * 3)
    assert waiting == [[2]] and refused.code == Code.UNAVAILABLE
    assert "The batch scheduling queue to which this task was submitted is full" in refused.message


def test_who_waited_too_long_is_not_computed():
    world = World()
    _, late = world.together(lambda: world.run([[1]]), lambda: world.run([[2]], timeout_ms=10))
    assert late.code == Code.RESOURCE_EXHAUSTED and "while waiting in batching queue" in late.message


def test_rows_of_other_shapes_are_refused_or_padded():
    world = World()
    found = world.together(lambda: world.run([[0]]), lambda: world.run([[1]]), lambda: world.run([[1, 2]]))
    assert [one.code for one in found[1:]] == [Code.FAILED_PRECONDITION] * 2
    world = World("pad_variable_length_inputs: true")
    assert world.together(lambda: world.run([[0]]), lambda: world.run([[1]]), lambda: world.run([[3, 4]]))[1:] == [
        [[2, 2]],
        [[6, 8]],
    ]
    with_other_type = lambda: world.run([[1]], dtype=np.float64)
    assert world.together(lambda: world.run([[0]]), with_other_type, lambda: world.run([[1]]))[2].code == Code.INVALID_ARGUMENT


def test_each_set_of_outputs_has_a_queue_of_its_own():
    world = World()
    world.together(lambda: world.run([[0]]), lambda: world.run([[1]]), lambda: world.run([[2]], ("y", "z")))
    assert [len(batch) for batch in world.seen] == [1, 1, 1]


def test_inputs_need_rows_and_outputs_too():
    world = World()
    for feeds, text in (
        ({}, "must have at least one input tensor"),
        ({"x": np.float32(1)}, "must have at least one dimension"),
        ({"x": np.ones(2), "z": np.ones(3)}, "must have equal 0th-dimension size"),
    ):
        with pytest.raises(StatusError, match=text):
            world.batching.run(world.graph, {name: np.asarray(one) for name, one in feeds.items()}, ["y"])
    for output, text in ((np.float32(1), "has 0 dimensions"), (np.ones(3), "0th dimension does not equal")):
        with pytest.raises(StatusError, match=text) as caught:
            world.batching.run(lambda *_, output=output: [np.asarray(output)], {"x": np.ones(2)}, [text])
        assert caught.value.code == Code.FAILED_PRECONDITION


def test_an_error_of_the_graph_is_everybodys():
    world = World()

    def broken(*_):
        world.hold.wait(5)
        raise StatusError(Code.INTERNAL, "broken")

    call = lambda: world.batching.run(broken, {"x": np.ones(1)}, ["y"])
    assert [one.message for one in world.together(call, call, call)] == ["broken"] * 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("allowed_batch_sizes: 3 " + value("max_batch_size", 8), "last entry was 3; expected 8"),
        ("allowed_batch_sizes: [4, 2, 8] " + value("max_batch_size", 8), "monotonically increasing"),
        (value("max_enqueued_batches", 0), "max_enqueued_batches must be positive; was 0"),
        (value("batch_timeout_micros", -1), "batch_timeout_micros must be non-negative; was -1"),
        ("max_batch_size: 3", "Error parsing text-format tensorflow.serving.BatchingParameters"),
    ],
)
def test_parameters_that_cannot_be_had_are_refused(text, said):
    with pytest.raises(StatusError, match=said):
        World(text)
