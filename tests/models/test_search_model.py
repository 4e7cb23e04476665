"""The search models: version 0 that only matches text, and the trained one as float32 and as int8."""

import functools
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from include.errors import Refused
from include.evaluation.gate_weeks import broken
from include.features.text import query_of
from include.models.build import serve
from include.models.model import Model
from include.rollout import contract, graph_scan
from tests import toy_search
from tests.toy_search import CATEGORIES, TYPES
from tests.toy_shop import NIGHT

KINDS = ("text_match", "text_ranker", "text_int8")


@functools.cache
def loaded(kind: str) -> Any:
    return tf.saved_model.load(str(toy_search.bundle(kind)))


def ask(kind: str, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Answers of the saved bundle, strings as str."""
    out = loaded(kind).signatures["serving_default"](**{name: tf.constant(value) for name, value in inputs.items()})
    return {name: value.numpy().astype(str) if value.dtype == tf.string else value.numpy() for name, value in out.items()}


def type_of(product: str) -> str:
    return query_of(TYPES[int(product[1:]) % len(TYPES)])


@pytest.mark.parametrize("kind", KINDS)
def test_its_signature_is_the_contract_and_its_operations_are_allowed(kind: str) -> None:
    graph = toy_search.bundle(kind) / "saved_model.pb"
    assert contract.signature_faults(graph, query=True) == []
    assert graph_scan.faults(graph) == []
    assert contract.signature_faults(graph) == ["input query is not in the contract"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_asked_for_comes_first(kind: str) -> None:
    queries = [query_of(text) for text in TYPES if text]
    answers = ask(kind, toy_search.asked(*queries))
    assert [type_of(row[0]) for row in answers["product"]] == queries


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("query", ["hambuger buns", "hamburger bu", "buns hamburger", "HAMBURGER  BUNS!", "hamburgers"])
def test_a_query_that_is_nearly_right_means_the_same(kind: str, query: str) -> None:
    assert type_of(ask(kind, toy_search.asked(query))["product"][0][0]) == "hamburger buns"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "query",
    [b"", b"   \t\n", b"\x00\x01\x1b[2J", b"\xff\xfe\x80", b"\xed\xa0\x80", b"bread\xff", "\u202ejuice\u0000".encode(),
     b"?!.*[(", "\U0001f600" .encode() * 500, b"cheese " * 15_000, b"x" * 100_000, "치즈 חלב".encode()],
)  # fmt: skip
def test_a_hostile_query_is_answered_like_any_other(kind: str, query: bytes) -> None:
    answers = ask(kind, toy_search.asked(query))
    places = np.array([[int(p[1:]) if p else -1 for p in answers["product"][0]]])
    assert not broken(places, answers["score"]).any()


@pytest.mark.parametrize("kind", KINDS)
def test_a_query_without_a_known_piece_asks_for_the_shelf(kind: str) -> None:
    empty, unknown = ask(kind, toy_search.asked("")), ask(kind, toy_search.asked("?!"))
    assert (empty["product"] == unknown["product"]).all()
    assert empty["score"] == pytest.approx(unknown["score"])


def test_a_categorys_words_mean_its_types_alike() -> None:
    work, _ = toy_search.workspace()
    for model in (toy_search.text_match(), toy_search.text_ranker()):
        served = serve(model, work.products(NIGHT))
        near = served.match(tf.constant(["dairy cheese"])).numpy()[0, 1:]  # type: ignore[attr-defined]
        inside = np.array([int(name[1:]) % len(CATEGORIES) == 1 for name in served.ids.numpy().astype(str)[1:]])
        assert np.ptp(near[inside]) < 1 < near[inside].min() - near[~inside].max()


def test_the_household_decides_among_products_of_the_type() -> None:
    work, cut = toy_search.workspace()
    examples = work.examples(cut.gate[-1])
    inputs = examples.inputs(range(len(examples))) | {"query": np.array(["goat cheese"] * len(examples), object)}

    def share(kind: str) -> float:
        """How many of those who know a goat cheese are shown one that they know first."""
        first = ask(kind, inputs)["product"][:, 0]
        past = [{f"p{p}" for p in row if p >= 0 and p % len(TYPES) == 2} for row in inputs["history_product"]]
        return float(np.mean([one in known for one, known in zip(first, past, strict=True) if known]))

    assert share("text_ranker") > share("text_match")
    assert len(set(ask("text_ranker", inputs)["product"][:, 0])) > 1


@pytest.mark.parametrize("kind", KINDS)
def test_exclude_bought_answers_new_products_only(kind: str) -> None:
    inputs = toy_search.asked("green tea", "dog food") | {"exclude_bought": np.array([True, False])}
    answers = ask(kind, inputs)
    assert not {f"p{p}" for p in inputs["history_product"][0]} & set(answers["product"][0])


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_of_one_is_answered_like_a_batch_of_many(kind: str) -> None:
    inputs = toy_search.asked("goat cheese", "", "dog fod", "tea green")
    many = ask(kind, inputs)
    for i in range(4):
        one = ask(kind, {name: value[i : i + 1] for name, value in inputs.items()})
        assert one["score"][0] == pytest.approx(many["score"][i], abs=1e-4)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("query", [["tea"] * 2, [["tea"]] * 3])
def test_a_query_of_another_shape_is_refused(kind: str, query: Any) -> None:
    with pytest.raises((ValueError, TypeError, tf.errors.InvalidArgumentError)):
        ask(kind, toy_search.asked("a", "b", "c") | {"query": np.array(query, object)})


@pytest.mark.parametrize("kind", KINDS)
def test_golden_answers_and_warm_up_can_be_replayed(kind: str) -> None:
    extra = toy_search.bundle(kind) / "assets.extra"
    for question in json.loads((extra / "golden.json").read_text())["questions"]:
        answers = ask(kind, contract.inputs_of(question))
        assert contract.answer_faults(answers, question["outputs"], answers["model"][0]) == []
        assert contract.sense_faults(answers["score"].tolist(), answers["product"].tolist()) == []
    for record in tf.data.TFRecordDataset(str(extra / "tf_serving_warmup_requests")):
        request = prediction_log_pb2.PredictionLog.FromString(bytes(record.numpy())).predict_log.request
        assert np.isfinite(ask(kind, {name: tf.make_ndarray(value) for name, value in request.inputs.items()})["score"]).all()


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_rebuilt_from_its_bundle_under_the_same_name(kind: str) -> None:
    work, cut = toy_search.workspace()
    model = Model.load(toy_search.bundle(kind) / "assets.extra")
    served, inputs = serve(model, work.products(NIGHT)), toy_search.asked("cheddar", "orange")
    assert served.ask(**inputs)["score"] == pytest.approx(ask(kind, inputs)["score"], abs=1e-4)
    assert served.model_name == ask(kind, inputs)["model"][0]
    assert serve(model, work.products(cut.gate[0])).model_name != served.model_name


def test_a_model_of_an_earlier_formula_is_refused_with_what_to_do() -> None:
    work, _ = toy_search.workspace()
    model = toy_search.text_ranker()
    older = replace(model, arrays={name: value for name, value in model.arrays.items() if name != "text_offset"})
    with pytest.raises(Refused, match=r"no weight 'text_offset': .* Train it again: run train_search"):
        serve(older, work.products(NIGHT))
