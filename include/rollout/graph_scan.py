"""A SavedModel is code: what may it do?

An allow-list, so that an op nobody thought of is refused. Ops that touch files, other processes or Python are on no list,
except those with which every SavedModel saves and restores itself: they may only be where no signature leads.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from include.errors import Refused
from include.serving.wire import message

_OPS = """
    Abs Add AddN AddV2 All Any ArgMax ArgMin Assert AssignVariableOp BatchMatMul BatchMatMulV2 BatchMatMulV3 BiasAdd Bincount
    BroadcastArgs BroadcastTo Bucketize Case Cast Ceil ClipByValue Concat ConcatV2 Const Cos Cumprod Cumsum DenseBincount
    DisableCopyOnRead DivNoNan Einsum Elu Empty EnsureShape Equal Erf Erfc Exp ExpandDims Expm1 Fill FloorDiv Floor FloorMod
    Gather GatherNd GatherV2 Gelu Greater GreaterEqual HashTableV2 Identity IdentityN If InTopKV2 InvertPermutation IsFinite
    IsInf IsNan L2Loss LeakyRelu Less LessEqual Log Log1p LogSoftmax LogicalAnd LogicalNot LogicalOr LookupTableFindV2
    LookupTableImportV2 LookupTableSizeV2 LowerBound MatMul MatrixBandPart Max Maximum Mean Merge Min Minimum Mod Mul MulNoNan
    MutableHashTableV2 Neg NextIteration NoOp NotEqual OneHot OnesLike Pack Pad PadV2 PartitionedCall Placeholder
    PlaceholderWithDefault Pow Prod Range Rank ReadVariableOp RealDiv Reciprocal Relu Relu6 Reshape ResourceGather
    ResourceGatherNd ReverseV2 Roll Round Rsqrt ScatterNd Select SelectV2 Selu Shape ShapeN Sigmoid Sign Sin Size Slice Softmax
    Softplus Softsign Sort SparseSegmentMean SparseSegmentSum SparseTensorDenseMatMul Split SplitV Sqrt Square SquaredDifference
    Squeeze StatefulPartitionedCall StatelessCase StatelessIf StatelessWhile StaticRegexFullMatch StaticRegexReplace
    StopGradient StridedSlice StringJoin StringLength StringLower StringSplitV2 StringToHashBucketFast Sub Substr Sum Switch
    Tanh TensorListFromTensor TensorListGetItem TensorListReserve TensorListSetItem TensorListStack TensorScatterAdd
    TensorScatterMax TensorScatterMin TensorScatterSub TensorScatterUpdate Tile TopK TopKV2 Transpose TruncateDiv TruncateMod
    UnicodeTranscode Unique UniqueV2 UniqueWithCounts Unpack UnsortedSegmentMax UnsortedSegmentMin UnsortedSegmentProd
    UnsortedSegmentSum UpperBound VarHandleOp VarIsInitializedOp VariableShape Where While Xdivy Xlogy ZerosLike
"""
ALLOWED = frozenset(_OPS.split())
SAVER = frozenset({"MergeV2Checkpoints", "RestoreV2", "SaveV2", "ShardedFilename"})


def faults(saved_model: Path) -> list[str]:
    """What the graph does that a ranking model has no business to do, in words; empty when all is well.

    Raises:
        Refused: the file is missing or no SavedModel.
    """
    found: set[str] = set()
    for graph in read(saved_model).meta_graphs:
        functions = {function.signature.name: function.node_def for function in graph.graph_def.library.function}
        everywhere = [*graph.graph_def.node, *(node for nodes in functions.values() for node in nodes)]
        found |= {f"{node.op} is not on the list of allowed operations" for node in everywhere if _foreign(node.op, functions)}
        for entry in graph.signature_def:
            outputs = [info.value.name for info in entry.value.outputs]
            for node in _reached(graph.graph_def.node, functions, outputs):
                if node.op in SAVER:
                    found.add(f"signature {entry.key} leads to {node.op}, which reads or writes files")
    return sorted(found)


def read(saved_model: Path) -> Any:
    """The SavedModel message. Raises Refused."""
    from google.protobuf.message import DecodeError

    try:
        parsed = message("SavedModel").FromString(saved_model.read_bytes())
    except FileNotFoundError:
        raise Refused(f"The bundle has no {saved_model.name}", "Export the model again") from None
    except DecodeError as error:
        raise Refused(f"{saved_model} is not a SavedModel", "Export the model again") from error
    if not parsed.meta_graphs:
        raise Refused(f"{saved_model} holds no graph", "Export the model again")
    return parsed


def _foreign(op: str, functions: dict[str, Any]) -> bool:
    return op not in ALLOWED and op not in SAVER and op not in functions


def _reached(nodes: Iterable[Any], functions: dict[str, Any], outputs: Iterable[str]) -> Iterator[Any]:
    """Nodes that computing these outputs may run: their ancestors, and all of every function that those call."""
    by_name = {node.name: node for node in nodes}
    todo = [_node(name) for name in outputs]
    seen: set[str] = set()
    called: set[str] = set()
    while todo:
        name = todo.pop()
        if name in seen or name not in by_name:
            continue
        seen.add(name)
        node = by_name[name]
        yield node
        todo += [_node(source) for source in node.input]
        yield from _called(node, functions, called)


def _called(node: Any, functions: dict[str, Any], called: set[str]) -> Iterator[Any]:
    waiting = [node]
    while waiting:
        for name in _names(waiting.pop()):
            if name in functions and name not in called:
                called.add(name)
                yield from functions[name]
                waiting += functions[name]


def _names(node: Any) -> list[str]:
    """Functions that a node may call: by attribute, in a list, or as its very operation."""
    names = [node.op]
    for attr in node.attr:
        names.append(attr.value.func.name)
        names += [func.name for func in attr.value.list.func]
    return names


def _node(tensor: str) -> str:
    """`^name`, `name:1`, `name` -> `name`."""
    return tensor.removeprefix("^").partition(":")[0]
