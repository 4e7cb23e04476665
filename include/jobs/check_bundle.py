"""Does a candidate load, say what it said at export, keep to the contract, and do nothing else?"""

import logging
import sys
import time
from pathlib import Path
from typing import Any

from include import recipes
from include.errors import Refused
from include.jobs.frame import Job, main
from include.rollout import contract, graph_scan, registry
from include.rollout.bundle import Bundle
from include.rollout.materialise import damage
from include.rollout.verdict import Kind, Verdict
from include.serving.predict import Client
from include.serving.replica import Replica
from include.serving.sandbox import running_server
from include.settings import Settings

TIMED = 100
LONGEST = 15.0
"""Seconds after which a candidate that is still being timed has shown enough, and how many answers that takes at least."""
FEWEST = 5

log = logging.getLogger("nightfill")


class CheckBundle(Job):
    """Start a sandbox server with one registered bundle, ask it, and end it.

    The result's `verdict` ({"kind", "reason", "figures"}) is ADVANCE or REFUSE. A server that does not
    start is no verdict on the bundle: try again.

    Args:
        version: the registered version or model name.
        p99_ms: what the 99th percentile of single questions may take in the sandbox, generous by default.
    """

    work: Path = Path()
    surface: str
    version: int | str
    p99_ms: float = 500.0

    def run(self) -> dict[str, Any]:
        recipes.require(self.surface)
        which = int(self.version) if str(self.version).isdigit() and len(str(self.version)) < 16 else self.version
        bundle = registry.find(self.open_store(), self.surface, which)
        began = time.time()
        verdict = self._judge(bundle)
        log.info("%s: %s", verdict.kind, verdict.reason)
        return {
            "verdict": verdict.model_dump(mode="json"),
            "version": bundle.version,
            "model": bundle.name,
            "seconds": round(time.time() - began, 2),
        }

    def _judge(self, bundle: Bundle) -> Verdict:
        settings = Settings.load()
        replica = Replica("sandbox", settings)
        replica.prepare()
        try:
            folder = registry.materialise(self.open_store(), bundle, replica.models / self.surface)
            graph, query = folder / "saved_model.pb", recipes.asks_query(self.surface)
            wrong = contract.signature_faults(graph, query)
            named = [f"its signature is wrong: {', '.join(wrong[:3])}"] if wrong else []
            if faults := graph_scan.faults(graph) + named:
                return _refuse(faults)
            questions = contract.golden_questions(folder)
        except Refused as error:
            return Verdict(kind=Kind.REFUSE, reason=str(error))
        with running_server(settings) as server:
            try:
                server.write_config({self.surface: [bundle.version]})
                server.wait_available(self.surface, bundle.version, 60)
                return self._ask(server, bundle, questions, folder)
            except Refused as error:
                return Verdict(kind=Kind.REFUSE, reason=str(error))
            finally:
                server.write_config({})

    def _ask(self, server: Replica, bundle: Bundle, questions: list[dict[str, Any]], folder: Path) -> Verdict:
        with Client(server.grpc) as client:
            faults = list(dict.fromkeys(fault for question in questions for fault in self._golden(client, bundle, question)))
            if faults:
                return _refuse(faults)
            p50, p99 = self._time(client, contract.inputs_of(questions[0]))
        figures = {"golden": len(questions), "p50_ms": round(p50, 3), "p99_ms": round(p99, 3), "bytes": _bytes(bundle)}
        if p99 > self.p99_ms:
            text = f"It is slow: 99 of 100 answers took up to {p99:.0f} ms, {self.p99_ms:.0f} ms are allowed"
            return _refuse([text], figures)
        if fault := damage(bundle, folder):
            return _refuse([fault], figures)
        text = f"It loads, gives its {len(questions)} golden answers and answers in {p50:.1f} ms (p99 {p99:.1f} ms)"
        return Verdict(kind=Kind.ADVANCE, reason=text, figures=figures)

    def _golden(self, client: Client, bundle: Bundle, question: dict[str, Any]) -> list[str]:
        reply = client.predict(self.surface, contract.inputs_of(question), version=bundle.version, seconds=20)
        if reply.code != "OK":
            return [f"a golden question was answered with {reply.code}: {reply.detail[:200]}"]
        faults = contract.answer_faults(reply.outputs, question["outputs"], bundle.name)
        if not set(contract.OUTPUTS) <= reply.outputs.keys():
            return faults
        return contract.sense_faults(reply.outputs["score"].tolist(), reply.outputs["product"].tolist()) or faults

    def _time(self, client: Client, inputs: dict[str, Any]) -> tuple[float, float]:
        taken: list[float] = []
        for _ in range(TIMED):
            if len(taken) >= FEWEST and sum(taken) > 1000 * LONGEST:
                break
            began = time.perf_counter()
            client.predict(self.surface, inputs, seconds=20)
            taken.append(1000 * (time.perf_counter() - began))
        taken.sort()
        return taken[len(taken) // 2], taken[int(len(taken) * 0.99)]


def _refuse(faults: list[str], figures: dict[str, Any] | None = None) -> Verdict:
    more = f" and {len(faults) - 3} more" if len(faults) > 3 else ""
    return Verdict(kind=Kind.REFUSE, reason="; ".join(faults[:3]) + more, figures=figures or {})


def _bytes(bundle: Bundle) -> int:
    return sum(file.bytes for file in bundle.manifest.files)


if __name__ == "__main__":
    sys.exit(main(CheckBundle))
