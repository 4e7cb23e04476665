"""Store embedding rows as int8, measure what that costs, and choose. The choice is kept under its inputs' digests."""

import sys
import time
from typing import Any

from include.canonical import digest
from include.compression.contract import Choice, choose, record, recorded
from include.compression.int8 import compress
from include.compression.measure import measure
from include.jobs.frame import main
from include.models.build import serve
from include.models.export import EXTRA, write_bundle
from include.models.model import Model
from include.training.job import TrainingJob


class CompressModel(TrainingJob):
    """Result: {fp32_bytes, bytes, ndcg_change, latency_ratio, latency_high, chosen, reason, reused, name, seconds}."""

    def run(self) -> dict[str, Any]:
        started = time.time()
        store, space, recipe = self.open_store(), self.space, self.get_recipe()
        products = space.products(self.night)
        plain = Model.load(self.bundle_path("fp32") / EXTRA)
        small = compress(plain)
        served = serve(small, products)
        names = {"fp32": plain.name(plain.tables(products)), "int8": served.model_name}
        write_bundle(small, served, str(self.night), self.questions(), self.bundle_path("int8"))
        inputs = digest({"names": names, "gates": recipe.gates.model_dump(mode="json"), "examples": self._examples()})
        choice = recorded(store, self.surface, inputs)
        reused = choice is not None
        if choice is None:
            choice = record(store, self.surface, inputs, choose(self._measure(), recipe.gates))
        return self._hand_over(choice, names[choice.chosen], reused, started)

    def _examples(self) -> str:
        return digest(self.space.read_json("assembled.json", "assemble_examples"))

    def _measure(self) -> Any:
        return measure(self.bundle_path("fp32"), self.bundle_path("int8"), self.gate_weeks(), self.questions())

    def _hand_over(self, choice: Choice, name: str, reused: bool, started: float) -> dict[str, Any]:
        measures = choice.measures
        result = {
            "fp32_bytes": measures.fp32_bytes,
            "bytes": measures.int8_bytes,
            "ndcg_change": measures.ndcg_change,
            "latency_ratio": round(measures.latency_ratio, 4),
            "latency_high": round(measures.latency_high, 4),
            "chosen": choice.chosen,
            "reason": choice.reason,
            "reused": reused,
            "name": name,
            "seconds": round(time.time() - started, 1),
        }
        self.space.write_json("bundle.json", {"folder": choice.chosen, "name": name, "compression": result})
        return result


if __name__ == "__main__":
    sys.exit(main(CompressModel))
