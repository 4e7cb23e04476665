"""Train one recipe on the assembled examples, and export the float32 bundle. Uses a GPU when there is one."""

import logging
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from include import recipes
from include.canonical import digest
from include.errors import Refused
from include.jobs.frame import main
from include.models.build import serve
from include.models.export import write_bundle
from include.models.model import Model
from include.models.tables import ProductTable
from include.recipes.recipe import Recipe
from include.training.checkpoint import Checkpoint
from include.training.curves import write_curves
from include.training.examples import Examples
from include.training.fit import Trained, devices, fit
from include.training.fit_search import fit_search
from include.training.fit_two_stage import fit_two_stage
from include.training.job import TrainingJob

log = logging.getLogger("nightfill")
FITS = {"pair_ranker": fit, "two_stage": fit_two_stage, "text_ranker": fit_search}
SMALLEST = 16
"""No batch is made smaller than this: then it is not the batch that fills the memory."""


class TrainModel(TrainingJob):
    """Result: {surface, recipe, night, name, device, batch, examples, losses, fit_seconds, seconds}.

    Writes <work>/fp32 and <work>/curves. A run that was killed goes on from <work>/checkpoint.npz.
    """

    def run(self) -> dict[str, Any]:
        started = time.time()
        space, recipe = self.space, self.get_recipe()
        if recipe.model not in FITS:
            others = [name for name in recipes.names(self.surface) if recipes.get(self.surface, name).model in FITS]
            raise Refused(f"Recipe {recipe.name} needs no training", f"Choose one of {', '.join(others)}")
        about = space.read_json("assembled.json", "assemble_examples")
        nights = self.windows().train
        found = devices()
        examples = [space.examples(night) for night in nights]
        recipe, trained = self._fit(recipe, examples, [space.products(night) for night in nights], about)
        model = Model(self.get_recipe(), trained.vocabulary, trained.arrays, about["widths"], about["spec"])
        served = serve(model, space.products(self.night))
        write_bundle(model, served, str(self.night), self.questions(), self.bundle_path("fp32"))
        write_curves(trained.losses, space.folder("curves"))
        result = {
            "surface": self.surface,
            "recipe": self.recipe,
            "night": str(self.night),
            "name": served.model_name,
            "device": found[0] if found else "cpu",
            "seed": recipe.seed,
            "batch": recipe.batch,
            "examples": sum(len(part) for part in examples),
            "losses": [round(float(np.mean(epoch)), 5) for epoch in trained.losses],
            "fit_seconds": round(trained.seconds, 1),
            "seconds": round(time.time() - started, 1),
        }
        space.write_json("trained.json", result)
        self._checkpoint.unlink(missing_ok=True)
        return result

    @property
    def _checkpoint(self) -> Path:
        return self.space.root / "checkpoint.npz"

    def _fit(
        self, recipe: Recipe, examples: list[Examples], tables: list[ProductTable], about: dict[str, Any]
    ) -> tuple[Recipe, Trained]:
        """The trained weights, and the recipe with the batch that fitted into the memory."""
        key = digest({"recipe": recipe.model_dump(mode="json"), "inputs": about, "tensorflow": tf.__version__})
        try:
            return recipe, FITS[recipe.model](recipe, examples, tables, Checkpoint(self._checkpoint, key))
        except (tf.errors.ResourceExhaustedError, MemoryError):
            if recipe.batch < 2 * SMALLEST:
                raise
        half = recipe.model_copy(update={"batch": recipe.batch // 2})
        log.warning("batches of %d do not fit into the memory: training with %d", recipe.batch, half.batch)
        return self._fit(half, examples, tables, about)


if __name__ == "__main__":
    sys.exit(main(TrainModel))
