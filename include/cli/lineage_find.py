"""From the words of a person to answers of the log and nodes of the graph. What is not there is refused with what is."""

import datetime as dt
from pathlib import Path

from include.cli.lineage_graph import Graph, logged_nights
from include.errors import Refused
from include.nights import parse
from include.rollout import names
from include.serving.answer_log import Answer, read_answers
from include.store.partitions import manifest_key
from include.store.reach import where
from include.words import counted


def find_answers(root: Path, surface: str, night: dt.date, household: str = "", request: str = "") -> list[Answer]:
    """Lines of the answer log of one night, of one household or one request.

    Raises:
        Refused: there is none, and why that may be.
    """
    have = logged_nights(root, surface)
    if night not in have:
        some = f"{counted(len(have), 'night')} from {have[0]} to {have[-1]}" if have else f"nothing of {surface}"
        raise Refused(
            f"The answer log has no answer of {surface} for {night}: none was given, or `tidy` has deleted them",
            f"It holds {some}",
        )
    every = read_answers(root, surface, [night])
    found = [one for one in every if household in ("", one.household) and request in ("", one.request)]
    if not found:
        what = "this request" if request else "this household"
        raise Refused(f"The answer log of {surface} for {night} has no answer to {what}", "Write it as it stands in the log")
    return found


def find_node(graph: Graph, text: str) -> set[str]:
    """The nodes that a person names: <dataset>/<night>, models/<surface>/<version or name>, releases/<surface>/<release>,
    answers/<surface>/<night>, or digest/<8 to 64 hex digits> of a source, a manifest or a file.

    Raises:
        Refused: the text names none of these, or nothing that is there.
    """
    kind, _, rest = text.partition("/")
    if kind == "digest":
        return _by_digest(graph, rest)
    if kind in ("models", "releases", "answers"):
        surface, _, which = rest.partition("/")
        return _of_surface(graph, kind, names.surface(surface), which)
    key = manifest_key(kind, parse(rest))
    if where(key) is None or key not in graph.reach.manifests:
        nights = sorted(found[1] for found in filter(None, map(where, graph.reach.manifests)) if found[0] == kind)
        held = f"It has {len(nights)} from {nights[0]} to {nights[-1]}" if nights else "Look for it in `nightfill plan`"
        raise Refused(f"The store has no partition {text[:80]}", held)
    return {key}


def _of_surface(graph: Graph, kind: str, surface: str, which: str) -> set[str]:
    if kind == "models":
        return {_model(graph, surface, which)}
    name = names.release(which) if kind == "releases" else parse(which).isoformat()
    node = f"{kind}/{surface}/{name}"
    if node not in graph.inputs:
        have = sorted(other for other in graph.inputs if other.startswith(f"{kind}/{surface}/"))
        raise Refused(f"There is no {node}", f"The newest is {have[-1]}" if have else f"{surface} has none yet")
    return {node}


def _model(graph: Graph, surface: str, which: str) -> str:
    """A model by its version or its name."""
    mine = {number: key for key, number in graph.versions.items() if key.startswith(f"models/{surface}/")}
    for number, key in mine.items():
        if which in (str(number), key.split("/")[3]) and key in graph.inputs:
            return key
    have = ", ".join(map(str, sorted(mine))) or "none"
    raise Refused(f"There is no models/{surface}/{which[:80]}", f"It has the versions {have}")


def _by_digest(graph: Graph, prefix: str) -> set[str]:
    if not 8 <= len(prefix) <= 64 or set(prefix) - set("0123456789abcdef"):
        raise Refused(f"'{prefix[:80]}' is not the beginning of a digest", "Give 8 to 64 hex digits in lower case")
    found = {node for node in graph.users if node.startswith(f"source/{prefix}")}
    for name, keys in graph.reach.by_digest.items():
        found |= set(keys) if name.startswith(prefix) else set()
    for key, manifest in graph.reach.manifests.items():
        found |= {key for file in manifest.files if file.sha256.startswith(prefix)}
    if not found:
        raise Refused(f"Nothing in the store has the digest {prefix}", "It may be deleted, or built anew with other bytes")
    return found
