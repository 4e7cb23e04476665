"""The few protobuf messages that a caller of TensorFlow Serving needs, without importing TensorFlow (6 to 14 s).

Only fields that are read or written here are described; protobuf carries the others along. Names and numbers are those of
tensorflow/core/framework/{tensor,tensor_shape,graph,node_def,function,attr_value}.proto, core/protobuf/{saved_model,
meta_graph}.proto and tensorflow_serving/apis/{predict,model}.proto; tests/serving/test_wire.py compares them with the
originals. Enums travel as int32 and maps as repeated entries: the bytes are the same.
"""

from functools import cache
from typing import Any

_MANY = "*"
_SCHEMA: dict[str, list[tuple[str, int, str]]] = {
    "Dim": [("size", 1, "int64")],
    "Shape": [("dim", 2, "*Dim"), ("unknown_rank", 3, "bool")],
    "Tensor": [
        ("dtype", 1, "int32"),
        ("tensor_shape", 2, "Shape"),
        ("tensor_content", 4, "bytes"),
        ("float_val", 5, "*float"),
        ("double_val", 6, "*double"),
        ("int_val", 7, "*int32"),
        ("string_val", 8, "*bytes"),
        ("int64_val", 10, "*int64"),
        ("bool_val", 11, "*bool"),
    ],
    "Version": [("value", 1, "int64")],
    "ModelSpec": [("name", 1, "string"), ("version", 2, "Version"), ("signature_name", 3, "string")],
    "NamedTensor": [("key", 1, "string"), ("value", 2, "Tensor")],
    "PredictRequest": [("model_spec", 1, "ModelSpec"), ("inputs", 2, "*NamedTensor")],
    "PredictResponse": [("outputs", 1, "*NamedTensor"), ("model_spec", 2, "ModelSpec")],
    "FunctionName": [("name", 1, "string")],
    "AttrList": [("func", 9, "*FunctionName")],
    "AttrValue": [("list", 1, "AttrList"), ("func", 10, "FunctionName")],
    "Attr": [("key", 1, "string"), ("value", 2, "AttrValue")],
    "Node": [("name", 1, "string"), ("op", 2, "string"), ("input", 3, "*string"), ("attr", 5, "*Attr")],
    "OpDef": [("name", 1, "string")],
    "Function": [("signature", 1, "OpDef"), ("node_def", 3, "*Node")],
    "Library": [("function", 1, "*Function")],
    "Graph": [("node", 1, "*Node"), ("library", 2, "Library")],
    "TensorInfo": [("name", 1, "string"), ("dtype", 2, "int32"), ("tensor_shape", 3, "Shape")],
    "NamedInfo": [("key", 1, "string"), ("value", 2, "TensorInfo")],
    "Signature": [("inputs", 1, "*NamedInfo"), ("outputs", 2, "*NamedInfo"), ("method_name", 3, "string")],
    "NamedSignature": [("key", 1, "string"), ("value", 2, "Signature")],
    "MetaGraph": [("graph_def", 2, "Graph"), ("signature_def", 5, "*NamedSignature")],
    "SavedModel": [("saved_model_schema_version", 1, "int64"), ("meta_graphs", 2, "*MetaGraph")],
}
_SCALARS = {"double": 1, "float": 2, "int64": 3, "int32": 5, "bool": 8, "string": 9, "bytes": 12}
"""FieldDescriptorProto.Type by name."""
_MESSAGE, _OPTIONAL, _REPEATED = 11, 1, 3


@cache
def _pool() -> Any:
    from google.protobuf import descriptor_pb2, descriptor_pool

    file = descriptor_pb2.FileDescriptorProto(name="nightfill/wire.proto", package="nightfill.wire", syntax="proto3")
    for name, fields in _SCHEMA.items():
        message = file.message_type.add(name=name)
        for field, number, kind in fields:
            bare = kind.removeprefix(_MANY)
            label = _REPEATED if kind != bare else _OPTIONAL
            added = message.field.add(name=field, number=number, label=label, type=_SCALARS.get(bare, _MESSAGE))
            if bare not in _SCALARS:
                added.type_name = f".nightfill.wire.{bare}"
    pool = descriptor_pool.DescriptorPool()  # our own: TensorFlow's files may live in the default one
    pool.Add(file)
    return pool


@cache
def message(name: str) -> Any:
    """The class of a message of this file."""
    from google.protobuf import message_factory

    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(f"nightfill.wire.{name}"))


def schema() -> dict[str, list[tuple[str, int, str]]]:
    """Fields of every message: (name, number, type), "*" for repeated."""
    return _SCHEMA
