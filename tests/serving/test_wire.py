import numpy as np
import pytest

from include.serving import wire
from include.serving.predict import array, request, tensor

ORIGINALS = {
    "Dim": "tensorflow.TensorShapeProto.Dim",
    "Shape": "tensorflow.TensorShapeProto",
    "Tensor": "tensorflow.TensorProto",
    "Version": "google.protobuf.Int64Value",
    "ModelSpec": "tensorflow.serving.ModelSpec",
    "NamedTensor": "tensorflow.serving.PredictRequest.InputsEntry",
    "PredictRequest": "tensorflow.serving.PredictRequest",
    "PredictResponse": "tensorflow.serving.PredictResponse",
    "FunctionName": "tensorflow.NameAttrList",
    "AttrList": "tensorflow.AttrValue.ListValue",
    "AttrValue": "tensorflow.AttrValue",
    "Attr": "tensorflow.NodeDef.AttrEntry",
    "Node": "tensorflow.NodeDef",
    "OpDef": "tensorflow.OpDef",
    "Function": "tensorflow.FunctionDef",
    "Library": "tensorflow.FunctionDefLibrary",
    "Graph": "tensorflow.GraphDef",
    "TensorInfo": "tensorflow.TensorInfo",
    "NamedInfo": "tensorflow.SignatureDef.InputsEntry",
    "Signature": "tensorflow.SignatureDef",
    "NamedSignature": "tensorflow.MetaGraphDef.SignatureDefEntry",
    "MetaGraph": "tensorflow.MetaGraphDef",
    "SavedModel": "tensorflow.SavedModel",
}


@pytest.mark.slow
def test_every_field_has_the_name_and_number_of_the_original():
    from google.protobuf import descriptor_pool, wrappers_pb2
    from tensorflow.core.protobuf import saved_model_pb2
    from tensorflow_serving.apis import predict_pb2

    assert wrappers_pb2 and saved_model_pb2 and predict_pb2
    pool = descriptor_pool.Default()
    for name, fields in wire.schema().items():
        original = pool.FindMessageTypeByName(ORIGINALS[name])
        for field, number, _ in fields:
            assert original.fields_by_name[field].number == number, f"{name}.{field}"


@pytest.mark.slow
def test_a_request_and_an_answer_are_what_tensorflow_reads_and_writes():
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2

    inputs = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.array([True, False]), "c": np.array([[-1]], np.int32)}
    theirs = predict_pb2.PredictRequest.FromString(request("home", inputs, 3).SerializeToString())
    assert theirs.model_spec.name == "home" and theirs.model_spec.version.value == 3
    for name, value in inputs.items():
        np.testing.assert_array_equal(tf.make_ndarray(theirs.inputs[name]), value)
    for value in (
        np.array([["p1", ""], ["p2", "x"]], object),
        np.array([0.5, 0.5, 0.25], np.float32),
        np.zeros((0, 3), np.float32),
    ):
        proto = tf.make_tensor_proto(value)
        ours = wire.message("Tensor").FromString(proto.SerializeToString())
        np.testing.assert_array_equal(array(ours), value)


@pytest.mark.parametrize("kind", ["float32", "int32", "int64", "bool", "float64"])
def test_numbers_survive_the_way_there_and_back(kind):
    value = np.array([[1, 0, 1], [0, 0, 1]]).astype(kind)
    np.testing.assert_array_equal(array(tensor(value)), value)


def test_a_short_value_list_repeats_its_last_value():
    proto = wire.message("Tensor")(dtype=1, float_val=[1.0, 2.0])
    proto.tensor_shape.dim.add(size=4)
    np.testing.assert_array_equal(array(proto), np.array([1, 2, 2, 2], np.float32))


def test_a_tensor_of_another_type_is_a_clear_error():
    with pytest.raises(ValueError, match="type 8"):
        array(wire.message("Tensor")(dtype=8))


def test_texts_travel_as_they_are():
    sent = tensor(np.array([["é", b"\xff\xfe"], ["", "x" * 1000]], object))
    assert sent.dtype == 7 and [dim.size for dim in sent.tensor_shape.dim] == [2, 2]
    assert list(sent.string_val) == ["é".encode(), b"\xff\xfe", b"", b"x" * 1000]
    assert array(sent).tolist() == [["é", "\ufffd\ufffd"], ["", "x" * 1000]]
