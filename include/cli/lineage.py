"""`nightfill lineage WHAT`: from an answer back to the purchases it came from, and forward from an input to what used it."""

import argparse
import json
import sys
from typing import Any

from include import recipes
from include.cli.lineage_find import find_answers, find_node
from include.cli.lineage_graph import Graph, made_of, read_graph
from include.cli.lineage_purchases import purchases
from include.cli.lineage_words import dot, fold
from include.cli.terminal import table
from include.cli.tidy import size
from include.errors import Refused
from include.nights import parse
from include.serving.answer_log import Answer
from include.settings import Settings
from include.store.many import each
from include.store.objects import Store, open_store
from include.store.reach import where
from include.words import counted


def run(settings: Settings, args: argparse.Namespace) -> int:
    """Look only; works without a running stack. Returns the exit code: 65 when part of the way cannot be read."""
    store = open_store(settings.store_uri)
    chosen = _chosen(settings, args)
    graph = read_graph(store, settings.answers, recipes.surfaces())
    start = find_node(graph, args.what)
    if chosen:
        (node,) = start
        night = parse(chosen[0].night)
        graph.inputs[node] = made_of(graph, chosen[0].surface, night, {answer.model for answer in chosen})
    nodes = (graph.forward if args.forward else graph.back)(start)
    faults = sorted({*graph.faults, *graph.missing(nodes), *(_damaged(store, graph, nodes) if args.bytes else ())})
    value: dict[str, Any] = {"of": args.what, "direction": "forward" if args.forward else "back"}
    if chosen:
        value |= _about(store, graph, nodes, chosen, args)
    groups = fold(graph, nodes, start, args.forward)
    value |= {"groups": [group.json() for group in groups], "faults": faults}
    if args.json:
        print(json.dumps(value, indent=1, default=str))
    elif args.dot:
        print(dot(groups))
    else:
        print(_words(value))
    for fault in faults if not args.json else ():
        print(f"! {fault}", file=sys.stderr)
    return 65 if faults else 0


def _chosen(settings: Settings, args: argparse.Namespace) -> list[Answer]:
    """The lines of the answer log that are asked for; none when something else than answers is."""
    kind, _, rest = args.what.partition("/")
    if not args.household and not args.request:
        return []
    surface, _, night = rest.partition("/")
    if kind != "answers" or args.forward:
        raise Refused("Only answers are given to a household or a request", "Ask for answers/<surface>/<night>")
    return find_answers(settings.answers, surface, parse(night), args.household, args.request)


def _about(store: Store, graph: Graph, nodes: set[str], chosen: list[Answer], args: argparse.Namespace) -> dict[str, Any]:
    """The chosen answers, and the purchases behind the history of their household; whose they are only on request."""
    shown = [
        {"day": one.day, "arm": one.arm, "model": one.model, "code": one.code, "ms": one.ms, "products": len(one.products)}
        | ({"request": one.request, "household": one.household, "run": one.run, "shown": one.products} if args.ids else {})
        for one in chosen
    ]
    value: dict[str, Any] = {"answers": shown}
    if len({one.household for one in chosen}) == 1:
        events = [graph.reach.manifests[node] for node in sorted(nodes) if (found := where(node)) and found[0] == "events"]
        value["purchases"] = purchases(store, events, chosen[0].household, args.ids)
    return value


def _damaged(store: Store, graph: Graph, nodes: set[str]) -> list[str]:
    """Objects of these nodes that are gone or do not have their bytes, a sentence each."""

    def check(sha256: str) -> str:
        try:
            store.fetch(sha256)
        except Refused as error:
            return str(error)
        return ""

    files = {file.sha256 for node in nodes & graph.reach.manifests.keys() for file in graph.reach.manifests[node].files}
    return [said for said in each(store, check, sorted(files)) if said]


def _words(value: dict[str, Any]) -> str:
    said = []
    for answer in value.get("answers", []):
        said.append(", ".join(f"{name} {found}" for name, found in answer.items()))
    if bought := value.get("purchases"):
        when = f", {bought['first']} to {bought['last']}" if bought["lines"] else ""
        said.append(
            f"Known of this household: {counted(bought['lines'], 'line')} in {counted(bought['baskets'], 'basket')} "
            f"on {counted(bought['days'], 'day')}{when}."
        )
        said += [", ".join(f"{name} {found}" for name, found in line.items()) for line in bought.get("ids", [])]
    rows = [
        [group["kind"], group["said"], group["count"], group["rows"], size(group["bytes"]), ", ".join(group["inputs"])]
        for group in value["groups"]
    ]
    head = ["what", "which", "count", "rows", "bytes", "made from"]
    return "\n".join([*said, *([""] if said else []), table(head, rows)])
