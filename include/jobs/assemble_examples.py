"""Assemble the training set of one recipe as known on a night: into the run's folder, with a manifest in the store."""

import sys
import time
from typing import Any

from include.canonical import digest, dumps
from include.features.asof import History
from include.features.spec import SPEC
from include.jobs.frame import main
from include.models.query_tables import need_text
from include.sources.landing import plan_night
from include.store.partitions import find_manifest, publish, read_manifest
from include.training.assemble import assemble
from include.training.job import TrainingJob
from include.training.windows import Windows, windows

TRANSFORM = "examples-1"


class AssembleExamples(TrainingJob):
    """Result: {surface, recipe, night, train, gate, universe, train_nights, gate_nights, digest, changed, seconds}."""

    def run(self) -> dict[str, Any]:
        started = time.time()
        store, recipe = self.open_store(), self.get_recipe()
        history = History.load(store, self.night)
        cut = windows(self.night, history.first, recipe.train_weeks, recipe.gate_weeks)
        counts = assemble(history, recipe, cut, history.first, self.space)
        if recipe.query:
            need_text(self.space.products(self.night))
        inputs = self._inputs(cut)
        about = {
            "surface": self.surface,
            "recipe": recipe.digest,
            "spec": SPEC.digest,
            "windows": cut.model_dump(mode="json"),
            "inputs": inputs,
            **counts,
        }
        path = self.work / "assembled.json"
        path.write_bytes(dumps(about))
        manifest, changed = publish(
            store,
            f"examples_{self.surface}_{self.recipe}",
            self.night,
            {"assembled.json": path},
            rows=counts["train"] + counts["gate"],
            columns={},
            inputs=inputs,
            spec=digest({"features": SPEC.digest, "recipe": recipe.digest}),
            transform=TRANSFORM,
            id_map=history.id_map,
        )
        return {
            "surface": self.surface,
            "recipe": self.recipe,
            "night": str(self.night),
            "train": counts["train"],
            "gate": counts["gate"],
            "universe": counts["universe"],
            "train_nights": [str(night) for night in cut.train],
            "gate_nights": [str(night) for night in cut.gate],
            "digest": manifest.digest,
            "changed": changed,
            "seconds": round(time.time() - started, 1),
        }

    def _inputs(self, cut: Windows) -> dict[str, str]:
        """The night's features stand on all nights before; the promotion plans of the windows are named beside them."""
        store = self.open_store()
        plans = {str(plan_night(night)): find_manifest(store, "promotions", plan_night(night)) for night in cut.nights}
        found = {sunday: manifest.digest for sunday, manifest in plans.items() if manifest}
        return {"features": read_manifest(store, "features", self.night).digest, "promotions": digest(found)}


if __name__ == "__main__":
    sys.exit(main(AssembleExamples))
