"""What every model of the household-ranks-products kind must keep: the same tests, by the same names, for each."""

import functools
import json
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from include.models.build import serve
from include.models.model import Model
from tests import toy_models
from tests.toy_shop import NIGHT, RECIPE


@functools.cache
def loaded(kind: str) -> Any:
    """The saved bundle, read once."""
    return tf.saved_model.load(str(toy_models.bundle(kind)))


def ask(kind: str, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Answers of the saved bundle, strings as str."""
    out = loaded(kind).signatures["serving_default"](**{name: tf.constant(value) for name, value in inputs.items()})
    return {name: value.numpy().astype(str) if value.dtype == tf.string else value.numpy() for name, value in out.items()}


class ModelClaims:
    """Subclasses name their bundle."""

    kind: str

    def test_it_saves_what_a_server_and_a_release_need(self) -> None:
        folder = toy_models.bundle(self.kind)
        files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        extra = {"golden.json", "model.json", "nightfill.json", "tf_serving_warmup_requests", "vocabulary.json", "weights.npz"}
        assert {"saved_model.pb", "fingerprint.pb", *(f"assets.extra/{name}" for name in extra)} <= files

    def test_its_signature_is_the_contract(self) -> None:
        signature = loaded(self.kind).signatures["serving_default"]
        inputs = {
            name: (spec.dtype.name, spec.shape.as_list()) for name, spec in signature.structured_input_signature[1].items()
        }
        assert inputs == {
            "history_product": ("int32", [None, None]),
            "history_features": ("float32", [None, None, 3]),
            "household_features": ("float32", [None, 2]),
            "exclude_bought": ("bool", [None]),
        }
        outputs = {name: spec.dtype.name for name, spec in signature.structured_outputs.items()}
        assert outputs == {"product": "string", "score": "float32", "model": "string"}

    def test_a_batch_of_one_is_answered_like_a_batch_of_many(self) -> None:
        inputs = toy_models.question(4)
        many = ask(self.kind, inputs)
        for i in range(4):
            one = ask(self.kind, {name: value[i : i + 1] for name, value in inputs.items()})
            assert one["score"][0] == pytest.approx(many["score"][i], abs=1e-5)
            assert (one["product"][0] == many["product"][i]).all()

    def test_padding_changes_nothing(self) -> None:
        inputs = toy_models.question()
        wide = inputs | {
            "history_product": np.pad(inputs["history_product"], ((0, 0), (0, 7)), constant_values=-1),
            "history_features": np.pad(inputs["history_features"], ((0, 0), (0, 7), (0, 0)), constant_values=9.0),
        }
        narrow, padded = ask(self.kind, inputs), ask(self.kind, wide)
        assert padded["score"] == pytest.approx(narrow["score"], abs=1e-5)
        assert (padded["product"] == narrow["product"]).all()

    @pytest.mark.parametrize("name", ["history_product", "history_features", "household_features", "exclude_bought"])
    def test_a_wrong_rank_is_refused(self, name: str) -> None:
        inputs = toy_models.question()
        with pytest.raises((ValueError, TypeError, tf.errors.InvalidArgumentError)):
            ask(self.kind, inputs | {name: inputs[name][..., None]})

    def test_an_empty_history_is_answered(self) -> None:
        inputs = toy_models.question() | {"history_product": np.full((3, 5), -1, np.int32)}
        answers = ask(self.kind, inputs | {"household_features": np.zeros((3, 2), np.float32)})
        assert np.isfinite(answers["score"]).all()
        assert (answers["product"][:, :10] != "").all()

    def test_a_product_of_a_later_night_does_no_harm(self) -> None:
        inputs = toy_models.question()
        inputs["history_product"][:, 0] = 10_000
        answers = ask(self.kind, inputs)
        assert np.isfinite(answers["score"]).all()
        assert (answers["product"][:, 0] != "").all()

    def test_exclude_bought_answers_new_products_only(self) -> None:
        inputs = toy_models.question(6) | {"exclude_bought": np.arange(6) % 2 == 0}
        answers = ask(self.kind, inputs)
        for i in range(0, 6, 2):
            bought = {f"p{product}" for product in inputs["history_product"][i]}
            assert not bought & set(answers["product"][i])
            assert (answers["product"][i] != "").any()

    def test_answers_are_sorted_and_name_no_product_twice(self) -> None:
        answers = ask(self.kind, toy_models.question(8))
        assert answers["product"].shape == answers["score"].shape == (8, RECIPE.top_k)
        assert (np.diff(answers["score"], axis=1) <= 0).all()
        for row in answers["product"]:
            shown = row[row != ""]
            assert len(set(shown)) == len(shown)

    def test_golden_answers_reproduce(self) -> None:
        golden = json.loads((toy_models.bundle(self.kind) / "assets.extra" / "golden.json").read_text())["questions"]
        assert len(golden) >= 2
        for entry in golden:
            answers = ask(self.kind, _inputs(entry["inputs"]))
            assert answers["product"].tolist() == entry["outputs"]["product"]
            assert answers["model"].tolist() == entry["outputs"]["model"]
            assert answers["score"] == pytest.approx(np.array(entry["outputs"]["score"]), rel=1e-5, abs=1e-5)

    def test_warm_up_requests_can_be_replayed(self) -> None:
        path = toy_models.bundle(self.kind) / "assets.extra" / "tf_serving_warmup_requests"
        records = [bytes(record.numpy()) for record in tf.data.TFRecordDataset(str(path))]
        assert 1 <= len(records) <= 1000
        for record in records:
            request = prediction_log_pb2.PredictionLog.FromString(record).predict_log.request
            answers = ask(self.kind, {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()})
            assert np.isfinite(answers["score"]).all()

    def test_it_says_its_name(self) -> None:
        about = json.loads((toy_models.bundle(self.kind) / "assets.extra" / "nightfill.json").read_text())
        answers = ask(self.kind, toy_models.question())
        assert answers["model"].tolist() == [about["name"]] * 3
        assert len(about["name"]) == 16
        assert (about["surface"], about["night"]) == ("home", str(NIGHT))

    def test_it_is_rebuilt_from_its_bundle_under_the_same_name(self) -> None:
        work, cut = toy_models.workspace()
        model = Model.load(toy_models.bundle(self.kind) / "assets.extra")
        served = serve(model, work.products(NIGHT))
        inputs = toy_models.question()
        assert served.ask(**inputs)["score"] == pytest.approx(ask(self.kind, inputs)["score"], abs=1e-5)
        assert served.model_name == ask(self.kind, inputs)["model"][0]
        assert serve(model, work.products(cut.gate[0])).model_name != served.model_name


def _inputs(values: dict[str, Any]) -> dict[str, np.ndarray]:
    kinds = {"history_product": np.int32, "exclude_bought": bool}
    return {name: np.array(value, kinds.get(name, np.float32)) for name, value in values.items()}


class RankerClaims(ModelClaims):
    """Of a model that has learned what a household buys again."""

    def test_it_answers_from_the_history_first(self) -> None:
        inputs = toy_models.workspace()[0].questions()
        answers = ask(self.kind, inputs | {"exclude_bought": np.zeros(len(inputs["exclude_bought"]), bool)})
        histories = [{f"p{p}" for p in row if p >= 0} for row in inputs["history_product"]]
        share = np.mean([row[0] in history for row, history in zip(answers["product"], histories, strict=True) if history])
        assert share > 0.9
