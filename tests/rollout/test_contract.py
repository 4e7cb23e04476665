import copy
import json

import numpy as np
import pytest

from include.errors import Refused
from include.rollout.contract import answer_faults, golden_questions, inputs_of, sense_faults
from include.rollout.verify import golden_faults, pointer_faults, replica_faults, route_faults, until_true
from include.serving.predict import Reply
from include.serving.routes import SurfaceRoute
from tests.rollout.toy_bundles import NAME, golden

QUESTION = golden("good")


def answer(**changes) -> dict:
    return {
        name: np.array(value, object if name != "score" else np.float32) for name, value in QUESTION["outputs"].items()
    } | changes


def faults(**changes) -> list[str]:
    return answer_faults(answer(**changes), QUESTION["outputs"], NAME)


def test_the_golden_answer_itself_has_no_fault():
    assert faults() == []


def test_a_score_may_differ_by_a_hundred_thousandth_and_no_more():
    assert faults(score=np.array([[6.00005, 4, 2]])) == []
    assert "differs from the golden scores by up to 0.01" in faults(score=np.array([[6.01, 4, 2]]))[0]


def test_a_score_that_is_not_a_number_is_a_fault():
    assert "differs" in faults(score=np.array([[float("nan"), 4, 2]]))[0]


def test_products_of_equal_score_may_change_places_and_others_may_not():
    tied = copy.deepcopy(QUESTION["outputs"])
    tied["score"] = [[6.0, 4.0, 4.0]]
    swapped = answer(product=np.array([["p1", "p3", "p2"]], object), score=np.array([[6.0, 4.0, 4.0]]))
    assert answer_faults(swapped, tied, NAME) == []
    assert "where golden does not" in faults(product=np.array([["p2", "p1", "p3"]], object))[0]


def test_an_answer_of_another_model_or_shape_is_a_fault():
    assert "not by " + NAME in faults(model=np.array(["d" * 16], object))[0]
    assert "2 places, golden 3" in faults(score=np.array([[6.0, 4.0]]), product=np.array([["p1", "p2"]], object))[0]
    assert "the answer has no score" in answer_faults({"product": 1, "model": 2}, QUESTION["outputs"], NAME)[0]


@pytest.mark.parametrize(
    ("scores", "products", "words"),
    [
        ([[float("inf"), 1]], [["a", "b"]], "not finite"),
        ([[1, 1]], [["a", "b"]], "equal"),
        ([[2, 1]], [["", ""]], "no product"),
        ([[2, 1]], [["a", "a"]], "twice"),
    ],
)
def test_answers_without_sense_are_named(scores, products, words):
    assert any(words in fault for fault in sense_faults(scores, products))


def test_an_answer_with_sense_has_no_fault():
    assert sense_faults([[2, 1, -1e9], [3, 1, 0]], [["a", "b", ""], ["a", "b", "c"]]) == []


def test_questions_keep_their_types_and_shapes():
    found = inputs_of(QUESTION)
    assert {name: (value.dtype.name, value.shape) for name, value in found.items()} == {
        "history_product": ("int32", (1, 2)),
        "history_features": ("float32", (1, 2, 2)),
        "household_features": ("float32", (1, 2)),
        "exclude_bought": ("bool", (1,)),
    }


@pytest.mark.parametrize("text", [None, "{", "{}", json.dumps({"questions": []})])
def test_a_bundle_without_golden_questions_is_refused(tmp_path, text):
    if text is not None:
        (tmp_path / "assets.extra").mkdir()
        (tmp_path / "assets.extra" / "golden.json").write_text(text)
    with pytest.raises(Refused, match="golden"):
        golden_questions(tmp_path)


class Server:
    """A gateway that answers golden questions as told."""

    def __init__(self, arm: str = "stable", code: str = "OK", **changes) -> None:
        self.reply = Reply(code, answer(**changes), {"x-nightfill-arm": arm}, "down" if code != "OK" else "")

    def predict(self, *args, **named) -> Reply:
        return self.reply


def test_what_serves_is_verified_by_its_answers(approved):
    assert golden_faults(Server(), approved, [QUESTION]) == []
    assert golden_faults(Server(arm="canary"), approved, [QUESTION]) == ["a golden question was answered by the canary arm"]
    assert "UNAVAILABLE: down" in golden_faults(Server(code="UNAVAILABLE"), approved, [QUESTION])[0]
    assert "signed by" in golden_faults(Server(model=np.array(["d" * 16], object)), approved, [QUESTION])[0]


@pytest.fixture
def approved(tmp_path):
    from include.rollout import registry
    from include.store.objects import FolderStore

    store = FolderStore(tmp_path / "store")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "saved_model.pb").write_text("x")
    registry.register(store, "home", tmp_path / "b", NAME, {}, {})
    bundle = registry.find(store, "home", 0)
    registry.materialise(store, bundle, tmp_path / "models" / "home")
    return bundle


class Fake:
    """A replica with states and files."""

    def __init__(self, folder, states) -> None:
        self.name, self.models, self.states = "stable-a", folder / "models", states

    def status(self, surface):
        return self.states


def test_a_replica_serves_exactly_the_approved_version(tmp_path, approved):
    assert replica_faults(Fake(tmp_path, {0: "AVAILABLE", 3: "END"}), approved) == []
    assert "serves versions [0, 1]" in replica_faults(Fake(tmp_path, {0: "AVAILABLE", 1: "AVAILABLE"}), approved)[0]
    assert "serves versions none" in replica_faults(Fake(tmp_path, {0: "LOADING"}), approved)[0]
    (tmp_path / "models" / "home" / "0" / "saved_model.pb").write_text("y")
    assert "other bytes" in replica_faults(Fake(tmp_path, {0: "AVAILABLE"}), approved)[0]


def test_a_route_that_still_feeds_the_canary_is_a_fault(approved):
    assert route_faults({"home": SurfaceRoute()}, "home") == []
    assert "25 % to the canary" in route_faults({"home": SurfaceRoute(weight=25)}, "home")[0]
    assert "no route" in route_faults({}, "home")[0]


def test_a_pointer_whose_number_and_name_differ_is_a_fault(approved):
    import datetime as dt

    from include.rollout.bundle import Pointer

    right = Pointer(version=0, name=NAME, night=dt.date(2017, 10, 22), epoch=1, release="r")
    assert pointer_faults(right, approved) == []
    assert pointer_faults(right.model_copy(update={"version": 1}), approved)


def test_a_server_that_lets_its_old_version_go_slowly_is_waited_for():
    answers = [["old"], ["old"], []]
    assert until_true(lambda: answers.pop(0), 5, lambda seconds: None) == []
    assert until_true(lambda: ["old"], 2, lambda seconds: None) == ["old"]
