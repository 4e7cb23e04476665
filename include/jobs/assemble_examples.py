"""Assemble the training set of one recipe as known on a night: into the run's folder, with a manifest in the store."""

import sys
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from include import recipes
from include.canonical import digest, dumps
from include.evaluation.horizon import matures
from include.features.asof import History
from include.features.lookups import TABLES
from include.features.reading import read_history, spark_history
from include.jobs.frame import log, main
from include.models.query_tables import need_text
from include.recipes.cadence import goes_on
from include.recipes.recipe import Recipe
from include.settings import Settings
from include.store.partitions import publish, read_manifest
from include.training.assemble import assemble
from include.training.job import TrainingJob
from include.training.warm import Start, newest
from include.training.windows import Windows, windows
from include.tuning.chosen import tuned

if TYPE_CHECKING:
    from include.features.spark_history import SparkHistory

TRANSFORM = "examples-1"


class AssembleExamples(TrainingJob):
    """Result: {surface, recipe, night, train, gate, universe, start, train_nights, gate_nights, digest, changed, seconds}.

    `engine` reads the features in this process (numpy) or in Spark, for a shop whose counters outgrow one machine; values
    agree to 1e-6. `tuned` takes the values of the newest search up to the night (include/tuning), which assembled.json names:
    the later jobs of the run read them there. `full` trains from nothing where the recipe would go on from an earlier model:
    the trials of a search share the examples, and their weights have other shapes.
    """

    engine: Literal["numpy", "spark"] = Field(default_factory=lambda: Settings.load().examples_engine)

    tuned: bool = False
    full: bool = False

    def get_recipe(self) -> Recipe:
        return self._chosen[0]

    @cached_property
    def _chosen(self) -> tuple[Recipe, dict[str, Any]]:
        """The recipe, and what assembled.json says of its values."""
        plain = recipes.get(self.surface, self.recipe)
        if not self.tuned:
            return plain, {}
        recipe, about = tuned(self.open_store(), plain, self.night)
        log.info("recipe %s with the values of %s", self.recipe, about)
        return recipe, {"tuned": about}

    def run(self) -> dict[str, Any]:
        started = time.time()
        asked = self.open_store(), self.night, self.get_recipe().columns, self.source
        if self.engine == "numpy":
            return self._assemble(read_history(*asked), started)
        with spark_history(*asked, self.work / "spark") as history:
            return self._assemble(history, started)

    def _assemble(self, history: "History | SparkHistory", started: float) -> dict[str, Any]:
        store, recipe = self.open_store(), self.get_recipe()
        start = self._start(history)
        weeks = recipe.warm_weeks if start else recipe.train_weeks
        cut = windows(self.night, history.first, weeks, recipe.gate_weeks)
        counts = assemble(history, recipe, cut, history.first, self.space)
        if recipe.query:
            need_text(self.space.products(self.night))
        read = self._read(cut, history)
        inputs = self._inputs(read, history) | ({"start": start.name} if start else {})
        about = {
            "surface": self.surface,
            "recipe": recipe.digest,
            "spec": history.spec.digest,
            "windows": cut.model_dump(mode="json"),
            "start": start.name if start else "",
            "mature": {str(night): str(matures(night)) for night in (*cut.train, *cut.gate)},
            "inputs": inputs,
            **counts,
            **self._chosen[1],
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
            spec=digest({"features": history.spec.digest, "recipe": recipe.digest}),
            transform=TRANSFORM,
            id_map=history.id_map,
            meta={"read": read},
        )
        return {
            "surface": self.surface,
            "recipe": self.recipe,
            "night": str(self.night),
            "train": counts["train"],
            "gate": counts["gate"],
            "universe": counts["universe"],
            "start": about["start"],
            "train_nights": [str(night) for night in cut.train],
            "gate_nights": [str(night) for night in cut.gate],
            "digest": manifest.digest,
            "changed": changed,
            **self._chosen[1],
            "seconds": round(time.time() - started, 1),
        }

    def _start(self, history: "History | SparkHistory") -> Start | None:
        """The model of an earlier night that this one goes on from, if it may."""
        recipe = self.get_recipe()
        may = recipe.warm_weeks and not self.full
        start = newest(self.open_store(), self.surface, recipe, self.night, history.spec.digest) if may else None
        if start is None:
            return None
        view = history.view(self.night)
        unknown = start.unknown(np.asarray(view.product_ids, object)[view.universe])
        going = goes_on(recipe, start.full, self.night, unknown)
        log.info("%s %s, of which %.1f %% of products are unknown", "from" if going else "not from", start.name, 100 * unknown)
        return start if going else None

    def _read(self, cut: Windows, history: "History | SparkHistory") -> dict[str, dict[str, str]]:
        """Digests of the partitions that the windows' nights read beside the features, by dataset and name."""
        store, read = self.open_store(), dict[str, dict[str, str]]()
        for table in (TABLES[name] for name in history.spec.tables):
            for manifest in (found for night in cut.nights for found in table.manifests(store, night)):
                read.setdefault(table.dataset, {})[manifest.name] = manifest.digest
        return read

    def _inputs(self, read: dict[str, dict[str, str]], history: "History | SparkHistory") -> dict[str, str]:
        """The night's features stand on all nights before, and on the catalogue; other tables are named beside them."""
        inputs = {"features": read_manifest(self.open_store(), "features", self.night).digest}
        inputs |= {dataset: digest(names) for dataset, names in read.items() if dataset != "products"}
        inputs |= {"engine": self.engine} if self.engine != "numpy" else {}
        return inputs | ({"country": history.country} if history.spec.reads_calendar else {})


if __name__ == "__main__":
    sys.exit(main(AssembleExamples))
