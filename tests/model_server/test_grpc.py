"""gRPC through the clients of tensorflow-serving-api."""

import importlib
import time
import types

import grpc
import numpy as np
import pytest

pytestmark = pytest.mark.slow

Code = grpc.StatusCode


@pytest.fixture(scope="module")
def api():
    """The protocol's modules; importing them imports TensorFlow."""
    names = ("classification", "get_model_metadata", "get_model_status", "model_management", "predict")
    found = {f"{name}_pb2": importlib.import_module(f"tensorflow_serving.apis.{name}_pb2") for name in names}
    for name in ("model_service_pb2_grpc", "prediction_service_pb2_grpc"):
        found[name] = importlib.import_module(f"tensorflow_serving.apis.{name}")
    return types.SimpleNamespace(tf=importlib.import_module("tensorflow"), **found)


@pytest.fixture(scope="module")
def channel(server):
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}", options=[("grpc.max_receive_message_length", -1)]) as opened:
        yield opened


@pytest.fixture(scope="module")
def predict(api, channel):
    """Predict with arrays; keywords go into the model_spec."""
    stub = api.prediction_service_pb2_grpc.PredictionServiceStub(channel)

    def call(inputs, output_filter=(), name="scale", version=None, **spec):
        request = api.predict_pb2.PredictRequest(output_filter=output_filter)
        request.model_spec.name = name
        if version is not None:
            request.model_spec.version.value = version
        for key, value in spec.items():
            setattr(request.model_spec, key, value)
        for alias, value in inputs.items():
            proto = value if hasattr(value, "tensor_shape") else api.tf.make_tensor_proto(value)
            request.inputs[alias].CopyFrom(proto)
        return stub.Predict(request, timeout=30)

    return call


X = {"x": np.array([[1, 2], [3, 4]], np.float32)}


def refused(code, text, call, *args, **kwargs) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        call(*args, **kwargs)
    assert caught.value.code() == code and text in caught.value.details(), caught.value


def test_an_answer_names_what_answered_and_uses_typed_fields(predict):
    response = predict(X)
    assert (response.model_spec.name, response.model_spec.version.value) == ("scale", 2)
    assert response.model_spec.signature_name == "serving_default"
    assert list(response.outputs["y"].float_val) == [2, 4, 6, 8] and response.outputs["y"].tensor_content == b""
    assert [dim.size for dim in response.outputs["y"].tensor_shape.dim] == [2, 2]


def test_versions_and_labels_choose(predict):
    assert predict(X, version=1).model_spec.version.value == 1
    assert predict(X, version_label="stable").model_spec.version.value == 1
    assert list(predict(X, signature_name="sum").outputs) == ["total"]


def test_a_part_of_the_outputs_may_be_asked_for(predict):
    assert list(predict(X, ["version"]).outputs) == ["version"]
    refused(Code.INVALID_ARGUMENT, "output tensor alias not found in signature: z Outputs expected", predict, X, ["z"])
    refused(Code.INVALID_ARGUMENT, "duplicate output tensor alias: y", predict, X, ["y", "y"])


def test_texts_and_numbers_come_back_as_they_went(predict):
    inputs = {"household": [b"\xff", b"b"], "history": np.array([[1], [2]], np.int32)}
    response = predict(inputs, name="shop")
    assert list(response.outputs["product"].string_val) == [b"\xff-p", b"b-p"]


def test_fewer_values_than_the_shape_repeat_the_last(api, predict):
    proto = api.tf.make_tensor_proto(np.zeros((2, 2), np.float32))
    proto.tensor_content = b""
    proto.float_val.extend([1.0, 5.0])
    assert list(predict({"x": proto}).outputs["y"].float_val) == [2, 10, 10, 10]
    del proto.float_val[:]
    assert list(predict({"x": proto}).outputs["y"].float_val) == [0, 0, 0, 0]


def test_texts_may_be_fewer_and_values_more_than_the_shape(api, predict):
    household = api.tf.make_tensor_proto([b"a", b"b", b"c"])
    del household.string_val[1:]
    history = api.tf.make_tensor_proto(np.zeros((3, 1), np.int32))
    history.tensor_content = b""
    history.int_val.extend([10, 20, 30, 40, 50])
    outputs = predict({"household": household, "history": history}, name="shop").outputs
    assert list(outputs["product"].string_val) == [b"a-p"] * 3 and list(outputs["score"].float_val) == [1, 2, 3]


def test_who_is_asked_must_be_there(predict):
    refused(Code.INVALID_ARGUMENT, "ModelSpec has no name specified.", predict, X, name="")
    refused(Code.NOT_FOUND, "Servable not found for request: Latest(ghost)", predict, X, name="ghost")
    refused(Code.NOT_FOUND, "Servable not found for request: Specific(scale, 9)", predict, X, version=9)
    refused(Code.INVALID_ARGUMENT, "Unrecognized servable version label: x", predict, X, version_label="x")
    refused(Code.INVALID_ARGUMENT, "Unrecognized servable version label: x", predict, X, name="ghost", version_label="x")
    refused(Code.FAILED_PRECONDITION, 'Serving signature key "s" not found.', predict, X, signature_name="s")


def test_a_request_without_a_spec_is_refused(api, channel):
    stub = api.prediction_service_pb2_grpc.PredictionServiceStub(channel)
    refused(Code.INVALID_ARGUMENT, "Missing ModelSpec", stub.Predict, api.predict_pb2.PredictRequest())


def test_inputs_must_be_those_of_the_signature(predict):
    text = "input size does not match signature: 0!=1 len({}) != len({x}). Sent extra: {}. Missing but required: {x}."
    refused(Code.INVALID_ARGUMENT, text, predict, {})
    extra = "2!=1 len({x,z}) != len({x}). Sent extra: {z}."
    refused(Code.INVALID_ARGUMENT, extra, predict, X | {"z": 1.0})
    refused(Code.INVALID_ARGUMENT, "Signature input alias: x(feed name: serving_default_x:0)", predict, {"z": X["x"]})


def test_a_dtype_is_never_cast_and_a_shape_never_checked(predict):
    for other in (np.float64, np.int32):
        name = {np.float64: "double", np.int32: "int32"}[other]
        text = f"Expects arg[0] to be float but {name} is provided"
        refused(Code.INVALID_ARGUMENT, text, predict, {"x": np.ones((1, 2), other)})
    assert list(predict({"x": np.ones((1, 3), np.float32)}).outputs["y"].float_val) == [2, 2, 2]


def test_a_hostile_tensor_is_refused(api, predict):
    for size, content in ((-1, b""), (3, b"abc"), (1 << 40, b"")):
        proto = api.tf.make_tensor_proto(np.ones((1, 1), np.float32))
        proto.tensor_content = content
        del proto.float_val[:]
        proto.tensor_shape.dim[0].size = size
        refused(Code.INVALID_ARGUMENT, "tensor parsing error: x", predict, {"x": proto})


def test_a_large_message_passes(predict):
    big = np.ones((700_000, 2), np.float32)
    assert len(predict({"x": big}, ["y"]).outputs["y"].float_val) == big.size


def test_metadata_and_its_refusals(api, channel):
    stub = api.prediction_service_pb2_grpc.PredictionServiceStub(channel)
    made = api.get_model_metadata_pb2
    request = made.GetModelMetadataRequest()
    refused(Code.INVALID_ARGUMENT, "Missing ModelSpec", stub.GetModelMetadata, request)
    request.model_spec.name = "scale"
    refused(Code.INVALID_ARGUMENT, "must specify at least one metadata_field", stub.GetModelMetadata, request)
    request.metadata_field.append("odd")
    refused(Code.INVALID_ARGUMENT, "Metadata field odd is not supported", stub.GetModelMetadata, request)
    request.metadata_field[:] = ["signature_def"]
    response = stub.GetModelMetadata(request)
    signatures = made.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(signatures) and response.model_spec.version.value == 2
    assert "sum" in signatures.signature_def


def test_status_and_its_refusals(api, channel):
    stub = api.model_service_pb2_grpc.ModelServiceStub(channel)
    made = api.get_model_status_pb2
    refused(Code.INVALID_ARGUMENT, "Missing ModelSpec", stub.GetModelStatus, made.GetModelStatusRequest())
    request = made.GetModelStatusRequest()
    request.model_spec.name = "scale"
    states = [(entry.version, entry.state) for entry in stub.GetModelStatus(request).model_version_status]
    assert states == [(2, 30), (1, 30)]
    request.model_spec.version.value = 9
    refused(Code.NOT_FOUND, "Could not find version 9 of model scale", stub.GetModelStatus, request)


def test_an_input_with_a_default_may_be_left_out(api, predict):
    x = np.array([1, 2], np.float32)
    assert list(predict({"x": x}, name="defaults").outputs["y"].float_val) == [11, 12]
    assert list(predict({"x": x, "by": np.float32(1)}, name="defaults").outputs["y"].float_val) == [2, 3]
    text = "Signature input alias: x(feed name: serving_default_x:0) not found in request and no default value provided."
    refused(Code.INVALID_ARGUMENT, text, predict, {}, name="defaults")
    refused(Code.INVALID_ARGUMENT, "Inputs contains invalid name.", predict, {"x": x, "z": x}, name="defaults")


def test_metadata_names_defaults_and_methods(server):
    _, body = server.get("/v1/models/defaults/metadata")
    assert "by" in body["metadata"]["signature_def"]["signature_def"]["serving_default"]["defaults"]


def test_the_graph_ends_with_the_patience_of_the_client(api, channel, server):
    request = api.predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = "slow", "endless"
    request.inputs["x"].CopyFrom(api.tf.make_tensor_proto(X["x"]))
    stub = api.prediction_service_pb2_grpc.PredictionServiceStub(channel)
    with pytest.raises(grpc.RpcError) as caught:
        stub.Predict(request, timeout=1.5)
    assert caught.value.code() == Code.DEADLINE_EXCEEDED
    line = ':tensorflow:serving:request_count{model_name="slow",status="DEADLINE_EXCEEDED"}'
    for _ in range(50):
        if line in server.get("/monitoring/prometheus/metrics")[1].decode():
            return
        time.sleep(0.1)
    raise AssertionError("the graph goes on")


def test_a_socket_and_the_health_of_the_server(server):
    with grpc.insecure_channel(f"unix:{server.log.parent}/grpc.sock") as by_socket:
        check = by_socket.unary_unary("/grpc.health.v1.Health/Check")
        assert check(b"", timeout=5) == b"\x08\x01"
        refused(Code.NOT_FOUND, "unknown service", check, b"\x0a\x01x", timeout=5)


def test_a_call_that_is_not_registered_is_unimplemented(channel):
    refused(Code.UNIMPLEMENTED, "", channel.unary_unary("/tensorflow.serving.SessionService/SessionRun"), b"")


def test_bytes_that_are_no_message_are_refused_and_cost_nothing(channel, predict):
    call = channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
    with pytest.raises(grpc.RpcError):
        call(b"\xff\xff\xff", timeout=5)
    assert predict(X).model_spec.name == "scale"


def test_a_reload_without_a_list_is_refused(api, channel):
    stub = api.model_service_pb2_grpc.ModelServiceStub(channel)
    request = api.model_management_pb2.ReloadConfigRequest()
    refused(Code.INVALID_ARGUMENT, "Only ModelConfigList is currently supported", stub.HandleReloadConfigRequest, request)
