"""From a version directory to a graph with its weights, with the codes and words of TensorFlow's own loader."""

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import tensorflow as tf
from google.protobuf.message import DecodeError

from include.model_server.errors import Code, StatusError

_ENDLESS = ("While", "StatelessWhile", "Enter", "RefEnter", "PyFunc", "PyFuncStateless", "EagerPyFunc", "IteratorGetNext")


def load(session: Any, graph: Any, tags: Sequence[str], path: Path) -> tuple[Mapping[str, Any], bool]:
    """Fill a session's graph; the SignatureDefs by name, and whether a run is bounded: no loop, nothing to wait for.

    Raises:
        StatusError: there is no SavedModel, it cannot be parsed, or it has no graph under these tags.
        tf.errors.OpError: an operation is unknown, or the weights cannot be read.
    """
    if not any((path / name).is_file() for name in ("saved_model.pb", "saved_model.pbtxt")):
        text = "Check that the directory exists and that you have the right permissions for accessing it."
        raise StatusError(
            Code.NOT_FOUND, f"Could not find SavedModel .pb or .pbtxt at supplied export directory path: {path}. {text}"
        )
    try:
        with graph.as_default():
            meta = tf.compat.v1.saved_model.loader.load(session, list(tags), str(path))
    except (DecodeError, OSError) as error:
        raise StatusError(Code.DATA_LOSS, f"Can't parse {path / 'saved_model.pb'} as binary proto: {error}") from error
    except RuntimeError as error:
        if "could not be found in SavedModel" not in str(error):
            raise
        raise StatusError(
            Code.NOT_FOUND,
            f"Could not find meta graph def matching supplied tags: {{ {' '.join(tags)} }}. To inspect available tag-sets "
            "in the SavedModel, please use the SavedModel CLI: `saved_model_cli`",
        ) from error
    return dict(meta.signature_def), _is_bounded(meta.graph_def)


def _is_bounded(graph: Any) -> bool:
    nodes = chain(graph.node, chain.from_iterable(function.node_def for function in graph.library.function))
    return not any(node.op in _ENDLESS or node.op.startswith("Queue") for node in nodes)
