"""The serving contract: what a bundle's `serving_default` takes and gives, and what its golden answers must be."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from include.errors import Refused
from include.rollout.graph_scan import read

FLOAT, INT32, STRING, BOOL = 1, 3, 7, 10
_TYPE_NAMES = {FLOAT: "float32", INT32: "int32", STRING: "string", BOOL: "bool"}

INPUTS = {
    "history_product": (INT32, 2),
    "history_features": (FLOAT, 3),
    "household_features": (FLOAT, 2),
    "exclude_bought": (BOOL, 1),
}
QUERY = {"query": (STRING, 1)}
"""One more input of surfaces that are asked with a query."""
OUTPUTS = {"product": (STRING, 2), "score": (FLOAT, 2), "model": (STRING, 1)}
"""Name -> (tensorflow.DataType, number of dimensions)."""

TOLERANCE = 1e-5


def signature_faults(saved_model: Path, query: bool = False) -> list[str]:
    """Differences between a SavedModel's `serving_default` and the contract, in words.

    Args:
        query: whether the surface is asked with a query.
    """
    signatures = {entry.key: entry.value for entry in read(saved_model).meta_graphs[0].signature_def}
    if "serving_default" not in signatures:
        return [f"there is no signature serving_default, only {', '.join(sorted(signatures)) or 'none'}"]
    found = signatures["serving_default"]
    inputs = INPUTS | QUERY if query else INPUTS
    return _differences("input", inputs, found.inputs) + _differences("output", OUTPUTS, found.outputs)


def golden_questions(bundle_dir: Path) -> list[dict[str, Any]]:
    """[{"inputs", "outputs"}] of a bundle, lists of plain values.

    Raises:
        Refused: the bundle has none.
    """
    path = bundle_dir / "assets.extra" / "golden.json"
    try:
        questions = json.loads(path.read_text(encoding="utf-8"))["questions"]
    except (OSError, ValueError, KeyError) as error:
        raise Refused(f"The bundle has no golden questions ({path.name})", "Export the model again") from error
    if not questions:
        raise Refused("The bundle's list of golden questions is empty", "Export the model again")
    return questions


def inputs_of(question: Mapping[str, Any]) -> dict[str, Any]:
    """The arrays of one golden question, typed as the contract says; with `query` when the question has one."""
    import numpy as np

    kinds: dict[int, Any] = {INT32: np.int32, FLOAT: np.float32, BOOL: np.bool_, STRING: object}
    arrays = {}
    for name, (kind, rank) in (INPUTS | QUERY if "query" in question["inputs"] else INPUTS).items():
        value: Any = np.asarray(question["inputs"][name], kinds[kind])
        arrays[name] = value if value.ndim == rank else value.reshape((len(question["inputs"]["exclude_bought"]), 0, 0)[:rank])
    return arrays


def answer_faults(answered: Mapping[str, Any], golden: Mapping[str, Any], model: str) -> list[str]:
    """Differences between an answer (arrays) and a golden one (lists), in words.

    Scores may differ by TOLERANCE (relative for scores above 1). Products of equal score may stand in either order.
    """
    if missing := set(OUTPUTS) - set(answered):
        return [f"the answer has no {', '.join(sorted(missing))}"]
    found = {name: answered[name].tolist() for name in OUTPUTS}
    if any(name != model for name in found["model"]):
        return [f"the answer is signed by {sorted(set(map(str, found['model'])))}, not by {model}"]
    if len(found["score"]) != len(golden["score"]):
        return [f"{len(found['score'])} answers came for {len(golden['score'])} questions"]
    faults: list[str] = []
    for i, (score, right) in enumerate(zip(found["score"], golden["score"], strict=True)):
        faults += _row_faults(i, score, right, found["product"][i], golden["product"][i])
    return faults


def sense_faults(scores: Sequence[Sequence[float]], products: Sequence[Sequence[str]]) -> list[str]:
    """Answers that no ranking should give: not finite, all alike, empty, or a product twice."""
    faults = []
    rows = list(zip(scores, products, strict=True))
    real = [[s for s, p in zip(score, product, strict=True) if p] for score, product in rows]
    if any(not math.isfinite(s) for score in scores for s in score):
        faults.append("a score is not finite")
    if any(not row for row in real):
        faults.append("an answer holds no product")
    if all(len(set(row)) <= 1 for row in real):
        faults.append("all scores of an answer are equal")
    if any(len(named) != len(set(named)) for named in ([p for p in product if p] for _, product in rows)):
        faults.append("an answer names a product twice")
    return faults


def _row_faults(i: int, score: list[float], right: list[float], product: list[str], golden: list[str]) -> list[str]:
    if len(score) != len(right):
        return [f"answer {i} has {len(score)} places, golden {len(right)}"]
    far = [abs(a - b) for a, b in zip(score, right, strict=True) if not abs(a - b) <= TOLERANCE * max(1.0, abs(b))]
    if far:
        return [f"answer {i} differs from the golden scores by up to {max(far, key=lambda d: d if d == d else math.inf):.3g}"]
    by_product = dict(zip(golden, right, strict=True))
    edge = min((s for s, p in zip(right, golden, strict=True) if p), default=0.0)
    for found, s in zip(product, score, strict=True):
        level = by_product.get(found, edge)  # an equal score at the edge may bring in another product
        if found and abs(level - s) > 2 * TOLERANCE * max(1.0, abs(s)):
            return [f"answer {i} puts product {found[:40]} where golden does not"]
    return []


def _differences(side: str, wanted: Mapping[str, tuple[int, int]], entries: Any) -> list[str]:
    found = {entry.key: entry.value for entry in entries}
    faults = [f"{side} {name} is missing" for name in wanted if name not in found]
    faults += [f"{side} {name} is not in the contract" for name in sorted(found) if name not in wanted]
    for name, (kind, rank) in wanted.items():
        if name in found and found[name].dtype != kind:
            faults.append(f"{side} {name} has type {found[name].dtype}, not {_TYPE_NAMES[kind]}")
        elif name in found and not _has_rank(found[name].tensor_shape, rank):
            faults.append(f"{side} {name} has {len(found[name].tensor_shape.dim)} dimensions, not {rank}")
    return faults


def _has_rank(shape: Any, rank: int) -> bool:
    return not shape.unknown_rank and len(shape.dim) == rank and shape.dim[0].size == -1
