"""Make version 0 of a surface: recent popularity, no training. A surface that has one keeps it."""

import datetime as dt
import sys
from pathlib import Path
from typing import Any

from include import recipes
from include.features.reading import read_history
from include.jobs.frame import Job, main
from include.models.build import serve
from include.models.export import write_bundle
from include.models.model import Model
from include.models.search_side import untrained
from include.models.vocabulary import Vocabulary
from include.rollout import registry
from include.training.assemble import product_table, questions, weekly_purchases
from include.training.examples import signature_inputs
from include.training.query_examples import sample_queries

MONTH = dt.timedelta(days=27)


class SeedPopularity(Job):
    """Fields: surface, night, work. Result: {surface, night, name, version, made}."""

    surface: str
    night: dt.date
    work: Path

    def run(self) -> dict[str, Any]:
        store = self.open_store()
        known = registry.versions(store, self.surface)
        if known:
            first = min(known, key=lambda entry: entry["version"])
            return {"surface": self.surface, **first, "made": False}
        recipe = recipes.get(self.surface, "popularity")
        history = read_history(store, self.night, recipe.columns, self.source)
        view = history.view(self.night)
        purchases, _ = weekly_purchases(history, self.night, max(history.first, self.night - MONTH), len(view.product_ids))
        spec = history.spec
        arrays = untrained(recipe.text, recipe.seed) if recipe.query else {}
        model, table = Model(recipe, Vocabulary(), arrays, spec.widths, spec.digest), product_table(view, purchases, 0)
        served = serve(model, table)
        folder, asked = self.work / "popularity", signature_inputs(questions(view, recipe))
        if recipe.query:
            asked["query"] = sample_queries(table, len(asked["exclude_bought"]))
        write_bundle(model, served, str(self.night), asked, folder)
        meta = {"recipe": recipe.name, "night": str(self.night), "spec": spec.digest, "precision": "fp32", "export": 1}
        card = {"name": served.model_name, "recipe": recipe.model_dump(mode="json"), "night": str(self.night)}
        version = registry.register(store, self.surface, folder, served.model_name, meta, card)
        return {
            "surface": self.surface,
            "night": str(self.night),
            "name": served.model_name,
            "version": version,
            "made": True,
        }


if __name__ == "__main__":
    sys.exit(main(SeedPopularity))
