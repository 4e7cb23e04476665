"""Classify, Regress and MultiInference, over gRPC and REST, on the model of TF Serving's own documentation."""

import importlib
from types import SimpleNamespace

import grpc
import pytest

pytestmark = pytest.mark.slow

CLASSIFY, REGRESS = "tensorflow/serving/classify", "tensorflow/serving/regress"
TWO = {"examples": [{"x": 1.0}, {"x": [2.0]}]}


def rest(server, verb, body, status=200):
    got, reply = server.post(f"/v1/models/half:{verb}", body)
    assert got == status, reply
    return reply["results" if status == 200 else "error"]


def test_rest_regress_answers_a_number_for_each_example(server):
    for name in ("regress_x_to_y", "flat"):
        assert rest(server, "regress", TWO | {"signature_name": name}) == [2.5, 3.0]


def test_rest_classify_answers_pairs_of_label_and_score(server):
    assert rest(server, "classify", TWO | {"signature_name": "both"}) == [
        [["up", 2.5], ["down", -2.5]],
        [["up", 3.0], ["down", -3.0]],
    ]
    assert rest(server, "classify", TWO | {"signature_name": "classify_x_to_y"}) == [[["", 2.5]], [["", 3.0]]]
    assert rest(server, "classify", TWO | {"signature_name": "names"})[0] == [["up", 0.0], ["down", 0.0]]


def test_a_context_is_shared_and_an_example_wins_over_it(server):
    body = {"signature_name": "flat", "context": {"x": 4.0}, "examples": [{}, {"x": 2.0}]}
    assert rest(server, "regress", body) == [4.0, 3.0]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, "When method is classify, key 'examples' is expected and was not found"),
        ({"examples": 3}, "Expecting 'examples' value to be an list/array"),
        ({"examples": []}, "'examples' value is an empty array"),
        ({"examples": [3]}, "Example must be JSON object but got JSON Number"),
        ({"examples": [{"x": None}]}, "Feature: x has element with unexpected JSON type: Null"),
        ({"examples": [{"x": [[1.0]]}]}, "Feature: x has element with unexpected JSON type: Array"),
        ({"examples": [{"x": {"y": 1}}]}, "Feature: x has element with unexpected JSON type: Object"),
        ({"examples": [{"x": [1.0, 2]}]}, "Unexpected element type in feature: x expecting type: float"),
        ({"examples": [{"x": [1, "a"]}]}, "Unexpected element type in feature: x expecting type: int64"),
        ({"examples": [{"x": 1 << 63}]}, "Feature: x has uint64 element. Only int64 is supported."),
        ({"examples": [{"x": 2}]}, "x"),
        ({"examples": [{"x": True}]}, "x"),
        ({"examples": [{"x": {"b64": "!"}}]}, "Unable to base64 decode"),
        ({"examples": [{"x": 1.0}], "signature_name": 4}, "'signature_name' key must be a string value."),
        ({"examples": [{"x": 1.0}], "signature_name": "none"}, "No signature was found with the name: none"),
        ({"examples": [{"x": 1.0}], "signature_name": "wide"}, "Expected output Tensor shape to be either [batch_size] or"),
        ({"examples": [{"x": 1.0}], "signature_name": "lone"}, "[batch_size, 1] but got []"),
        ({"examples": [{"x": 1.0}], "signature_name": "both"}, "Expected one output Tensor."),
        ({"examples": [{"x": 1.0}], "signature_name": "names"}, "No regression outputs found in SignatureDef"),
        ({"examples": [{"x": 1.0}], "signature_name": "oddly_named"}, "No regression inputs found in SignatureDef"),
    ],
)
def test_wrong_examples_are_refused_by_name(server, body, text):
    assert text in rest(server, "regress", {"signature_name": "flat"} | body, 400)


def test_a_head_must_have_what_the_call_answers(server):
    text = rest(server, "classify", TWO | {"signature_name": "flat"}, 400)
    assert 'outputs to contain at least one of "classes" or "scores"' in text
    assert "class and score should match in dim_size(1)" in rest(server, "classify", TWO | {"signature_name": "uneven"}, 400)


def test_predict_works_on_any_head(server):
    body = {"signature_name": "flat", "inputs": [{"b64": ""}]}
    assert server.post("/v1/models/half:predict", body)[0] == 400
    assert server.post("/v1/models/half:predict", {"inputs": [[4.0]]}) == (200, {"outputs": [[4.0]]})


@pytest.fixture(scope="module")
def api(server):
    names = ("classification", "regression", "inference", "input")
    found = {name: importlib.import_module(f"tensorflow_serving.apis.{name}_pb2") for name in names}
    service = importlib.import_module("tensorflow_serving.apis.prediction_service_pb2_grpc")
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        yield SimpleNamespace(stub=service.PredictionServiceStub(channel), **found)


def fill(target, *values, context=None):
    examples = target.example_list.examples
    if context is not None:
        examples = target.example_list_with_context.examples
        target.example_list_with_context.context.features.feature["x"].float_list.value.append(context)
    for value in values:
        one = examples.add()
        if value is not None:
            one.features.feature["x"].float_list.value.append(value)


def refused(code, text, call, request):
    with pytest.raises(grpc.RpcError) as caught:
        call(request, timeout=10)
    assert caught.value.code() == code and text in caught.value.details(), caught.value


def test_grpc_answers_name_who_answered(api):
    request = api.regression.RegressionRequest()
    request.model_spec.name, request.model_spec.signature_name = "half", "regress_x_to_y"
    fill(request.input, None, 2.0, context=4.0)
    response = api.stub.Regress(request, timeout=10)
    assert [one.value for one in response.result.regressions] == [4.0, 3.0]
    spec = response.model_spec
    assert (spec.name, spec.version.value, spec.signature_name) == ("half", 1, "regress_x_to_y")
    asked = api.classification.ClassificationRequest()
    asked.model_spec.name, asked.model_spec.signature_name = "half", "both"
    fill(asked.input, 2.0)
    classes = api.stub.Classify(asked, timeout=10).result.classifications[0].classes
    assert [(one.label, one.score) for one in classes] == [("up", 3.0), ("down", -3.0)]


def test_grpc_refusals_come_in_order(api):
    request = api.classification.ClassificationRequest()
    invalid, missing = grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND
    refused(invalid, "Missing ModelSpec", api.stub.Classify, request)
    request.model_spec.name = "ghost"
    refused(missing, "Servable not found for request: Latest(ghost)", api.stub.Classify, request)
    request.model_spec.name = "half"
    request.model_spec.signature_name = "both"
    refused(invalid, "Input is empty.", api.stub.Classify, request)
    request.input.example_list_with_context.SetInParent()
    refused(invalid, "Input is empty.", api.stub.Classify, request)


def multi(api, *tasks, examples=(1.0, 2.0)):
    request = api.inference.MultiInferenceRequest()
    for model, signature, method in tasks:
        task = request.tasks.add(method_name=method)
        task.model_spec.name, task.model_spec.signature_name = model, signature
    fill(request.input, *examples)
    return request


def test_several_heads_answer_in_the_order_of_the_tasks(api):
    request = multi(api, ("half", "both", CLASSIFY), ("half", "flat", REGRESS))
    first, second = api.stub.MultiInference(request, timeout=10).results
    assert [one.classes[0].score for one in first.classification_result.classifications] == [2.5, 3.0]
    assert [one.value for one in second.regression_result.regressions] == [2.5, 3.0]
    assert (second.model_spec.signature_name, second.model_spec.version.value) == ("flat", 1)


def test_tasks_that_do_not_fit_together_are_refused(api):
    invalid, ask = grpc.StatusCode.INVALID_ARGUMENT, api.stub.MultiInference
    one = ("half", "flat", REGRESS)
    refused(invalid, "ModelSpec has no name specified.", ask, multi(api))
    refused(invalid, "Found ModelSpec with an empty model name.", ask, multi(api, one, ("", "flat", REGRESS)))
    refused(invalid, "must access the same model name.", ask, multi(api, one, ("scale", "flat", REGRESS)))
    refused(invalid, "Duplicate evaluation of signature: flat", ask, multi(api, one, one))
    refused(invalid, "Requested signature not found in model graph: s", ask, multi(api, ("half", "s", REGRESS)))
    wrong = multi(api, ("half", "flat", "tensorflow/serving/predict"))
    refused(grpc.StatusCode.UNIMPLEMENTED, "Unsupported signature method_name: tensorflow/serving/predict", ask, wrong)
    refused(invalid, "Input is empty.", ask, multi(api, one, examples=()))
