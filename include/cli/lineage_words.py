"""A lineage as a person reads it: nodes of one kind folded into one line, the nearest first; also as a picture."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from include.cli.lineage_graph import Graph
from include.store.reach import where


@dataclass(frozen=True)
class Group:
    """Nodes of one kind: the dataset, `models home`, `releases home`, `answers home`, or `source`.

    `said` tells which they are; `rows` are lines, examples or answers, `bytes` those of the files; `inputs` are kinds.
    """

    kind: str
    said: str
    count: int
    rows: int
    bytes: int
    inputs: tuple[str, ...]

    def json(self) -> dict[str, Any]:
        return vars(self) | {"inputs": list(self.inputs)}


def fold(graph: Graph, nodes: set[str], start: Iterable[str], forward: bool) -> list[Group]:
    """The nodes by kind, the nearest to the start first."""
    kinds: dict[str, list[str]] = {}
    for node in _nearest_first(graph, nodes, start, forward):
        kinds.setdefault(kind_of(node), []).append(node)
    return [_group(graph, kind, mine, nodes) for kind, mine in kinds.items()]


def kind_of(node: str) -> str:
    found = where(node)
    parts = node.split("/")
    return found[0] if found else parts[0] if parts[0] == "source" else f"{parts[0]} {parts[1]}"


def dot(groups: Sequence[Group]) -> str:
    """The groups as a graph in the language of Graphviz, from what is used to what uses it."""
    lines = [f'  "{group.kind}" [label="{group.kind}\\n{group.said}"];' for group in groups]
    lines += [f'  "{other}" -> "{group.kind}";' for group in groups for other in group.inputs if other != group.kind]
    return "\n".join(["digraph lineage {", "  rankdir=LR; node [shape=box, fontname=sans];", *lines, "}"])


def _nearest_first(graph: Graph, nodes: set[str], start: Iterable[str], forward: bool) -> list[str]:
    ahead = graph.users if forward else graph.inputs
    found: dict[str, None] = {}
    level = sorted(set(start) & nodes)
    while level:
        found |= dict.fromkeys(level)
        level = sorted({other for node in level for other in ahead.get(node, ())} & nodes - found.keys())
    return list(found)


def _group(graph: Graph, kind: str, mine: list[str], nodes: set[str]) -> Group:
    manifests = [graph.reach.manifests[node] for node in mine if node in graph.reach.manifests]
    answers = sum(sum(graph.answers[node].values()) for node in mine if node in graph.answers)
    inputs = {kind_of(other) for node in mine for other in graph.inputs.get(node, set()) & nodes}
    return Group(
        kind,
        _said(graph, mine),
        len(mine),
        sum(manifest.rows for manifest in manifests) + answers,
        sum(file.bytes for manifest in manifests for file in manifest.files),
        tuple(sorted(inputs)),
    )


def _said(graph: Graph, mine: list[str]) -> str:
    first = mine[0].split("/")
    if where(mine[0]) or first[0] == "answers":
        return _spans([dt.date.fromisoformat(node.split("/")[2]) for node in mine])
    if first[0] == "models":
        numbers = sorted(graph.versions.get(node, -1) for node in mine)
        names = f" ({first[3]})" if len(mine) == 1 else ""
        return f"version{'s' if len(mine) > 1 else ''} {_some(map(str, numbers))}{names}"
    if first[0] == "releases":
        return _some(f"{node.split('/')[2]} ({graph.verdicts[node]})" for node in mine)
    return _some(node.split("/")[1][:12] for node in mine)


def _spans(nights: list[dt.date]) -> str:
    nights = sorted(nights)
    cuts = [i for i in range(1, len(nights)) if (nights[i] - nights[i - 1]).days != 1]
    edges = zip([0, *cuts], [*cuts, len(nights)], strict=True)
    return _some(str(nights[a]) if b - a == 1 else f"{nights[a]} to {nights[b - 1]}" for a, b in edges)


def _some(texts: Iterable[str], most: int = 4) -> str:
    said = list(texts)
    return ", ".join(said[:most]) + (f" and {len(said) - most} more" if len(said) > most else "")
