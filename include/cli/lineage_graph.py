"""What came from what, over the whole way: source, partitions, examples, models, releases, answers.

Partitions and models name their inputs by digest, so an edge between them is there only while the digests agree: an edge is
a verified one. Releases name the model by its name, answers the model and the night of their features.

Nodes: a manifest's key, `source/<digest>`, `releases/<surface>/<release>`, `answers/<surface>/<night>`.
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from include.errors import Refused
from include.nights import parse
from include.rollout import history, names, registry
from include.serving.answer_log import read_answers
from include.store.manifest import Manifest
from include.store.objects import Store
from include.store.partitions import manifest_key
from include.store.reach import Reach, closure, digests_in, partition_keys

COMPLETE = "features"
"""The dataset whose manifest names a night's partitions, as in include/features/tables.py."""
COMPOSED = ("source", "answers")
"""Inputs that are no manifest: a digest over a source's files, and one over the lines of a log."""


@dataclass
class Graph:
    """Nodes and what each was made from. `faults` are sentences about what could not be read or is not there any more."""

    reach: Reach
    inputs: dict[str, set[str]]
    versions: dict[str, int] = field(default_factory=dict)
    verdicts: dict[str, str] = field(default_factory=dict)
    answers: dict[str, Counter[str]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    @cached_property
    def users(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for node, inputs in self.inputs.items():
            for other in inputs:
                found.setdefault(other, set()).add(node)
        return found

    def back(self, start: Iterable[str]) -> set[str]:
        """All that these nodes came from, these included."""
        return closure(start, lambda node: self.inputs.get(node, set()))

    def forward(self, start: Iterable[str]) -> set[str]:
        """All that came from these nodes, these included."""
        return closure(start, lambda node: self.users.get(node, set()))

    def missing(self, nodes: Iterable[str]) -> list[str]:
        """Inputs of these nodes that the store does not have, a sentence each."""
        said = []
        for node in sorted(set(nodes) & self.reach.manifests.keys()):
            manifest = self.reach.manifests[node]
            said += [
                f"{manifest.name} was made from {name} {value[:12]}, which the store does not have (any more)"
                for name, value in _named(manifest)
                if digests_in(value.encode()) and value not in self.reach.by_digest
            ]
        return said


def _named(manifest: Manifest) -> list[tuple[str, str]]:
    """Inputs that are manifests: (name, digest). Examples name several tables by one digest, and each of them beside it."""
    read = manifest.meta.get("read", {})
    several = COMPOSED if not manifest.name.startswith("examples_") else manifest.inputs.keys() - {COMPLETE}
    one = [(name, value) for name, value in sorted(manifest.inputs.items()) if name not in several]
    return one + [pair for dataset in sorted(read) for pair in sorted(read[dataset].items())]


def read_graph(store: Store, answers: Path, surfaces: Iterable[str]) -> Graph:
    """The graph of a store and an answer log. What cannot be read is left out, and told in `faults`."""
    listed = {surface: [*registry.versions(store, surface), *registry.drills(store, surface)] for surface in surfaces}
    versions = {bundle_key(surface, one["name"]): one["version"] for surface, found in listed.items() for one in found}
    faults: list[str] = []
    reach = Reach.read(store, [*partition_keys(store), *versions], faults)
    graph = Graph(reach, {key: set(inputs) for key, inputs in reach.inputs.items()}, versions, faults=faults)
    for key, manifest in reach.manifests.items():
        if source := manifest.inputs.get("source"):
            graph.inputs[key].add(f"source/{source}")
        if manifest.kind == "bundle":
            graph.inputs[key] |= _examples(reach, manifest)
    for surface in listed:
        _add_releases(graph, store, surface)
        _add_answers(graph, answers, surface)
    return graph


def bundle_key(surface: str, name: str) -> str:
    """The key of a model's manifest."""
    return f"models/{names.surface(surface)}/bundles/{names.model(name)}/manifest.json"


def _examples(reach: Reach, bundle: Manifest) -> set[str]:
    """The examples that a model was trained on; of a model that was not trained, the features of its night."""
    meta, night = bundle.meta, str(bundle.meta.get("night", ""))
    if not night:
        return set()
    if "assembled" not in meta:
        return {manifest_key(COMPLETE, parse(night))} & reach.manifests.keys()
    key = manifest_key(f"examples_{meta['surface']}_{meta['recipe']}", parse(night))
    found = reach.manifests.get(key)
    return {key} if found and found.inputs == meta["assembled"] else set()


def _add_releases(graph: Graph, store: Store, surface: str) -> None:
    records, faults = history.read_records(store, surface)
    graph.faults += faults
    for one in records:
        node = f"releases/{surface}/{one.release}"
        graph.inputs[node] = {bundle_key(surface, one.candidate)} & graph.reach.manifests.keys()
        graph.verdicts[node] = str(one.verdict) if one.verdict else "under way"


def _add_answers(graph: Graph, root: Path, surface: str) -> None:
    for night in logged_nights(root, surface):
        node = f"answers/{surface}/{night}"
        models = Counter(answer.model for answer in read_answers(root, surface, [night]) if answer.model)
        graph.answers[node] = models
        graph.inputs[node] = made_of(graph, surface, night, models)


def made_of(graph: Graph, surface: str, night: dt.date, models: Iterable[str]) -> set[str]:
    """What answers of some models on a night came from: the models, the releases that brought them, the night's features."""
    bundles = {bundle_key(surface, name) for name in models}
    releases = {node for node in graph.verdicts if node.split("/")[1] == surface and graph.inputs[node] & bundles}
    return ((bundles | {manifest_key(COMPLETE, night)}) & graph.reach.manifests.keys()) | releases


def logged_nights(root: Path, surface: str) -> list[dt.date]:
    """Nights of which the answer log holds something."""
    found = []
    for folder in sorted((root / names.surface(surface)).glob("*")):
        try:
            night = parse(folder.name)
        except Refused:
            continue
        if folder.is_dir() and not folder.is_symlink() and any(folder.glob("*.jsonl")):
            found.append(night)
    return found
