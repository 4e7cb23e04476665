"""Train one recipe on the assembled examples, and export the float32 bundle. Uses a GPU when there is one."""

import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from include import recipes
from include.canonical import digest
from include.errors import Refused
from include.jobs.frame import main
from include.models import formulas
from include.models.build import serve
from include.models.export import write_bundle
from include.models.model import Model
from include.recipes.recipe import Recipe
from include.settings import Settings
from include.training.calibrate import calibrate
from include.training.checkpoint import Checkpoint
from include.training.curves import write_curves
from include.training.fit import Trained, devices, fit
from include.training.fit_search import fit_search
from include.training.fit_two_stage import fit_two_stage
from include.training.job import TrainingJob
from include.training.loop import Run
from include.training.strategy import choose
from include.training.warm import Start, load

log = logging.getLogger("nightfill")
Fit = Callable[[Recipe, Checkpoint], Trained]
FITS = {"pair_ranker": fit, **dict.fromkeys(formulas.SMALL, fit), "two_stage": fit_two_stage, "text_ranker": fit_search}
SMALLEST = 16
"""No batch is made smaller than this: then it is not the batch that fills the memory."""


class TrainModel(TrainingJob):
    """Result: {surface, recipe, night, name, start, full, device, batch, examples, losses, calibration,
    fit_seconds, seconds}.

    Writes <work>/fp32 and <work>/curves. A run that was killed goes on from <work>/checkpoint.npz. Of several workers
    (include/training/strategy.py) only the first one writes.
    """

    def run(self) -> dict[str, Any]:
        started = time.time()
        space, recipe = self.space, self.get_recipe()
        if recipe.model not in FITS:
            others = [name for name in recipes.names(self.surface) if recipes.get(self.surface, name).model in FITS]
            raise Refused(f"Recipe {recipe.name} needs no training", f"Choose one of {', '.join(others)}")
        about = space.read_json("assembled.json", "assemble_examples")
        nights = self.windows().train
        strategy, found = choose(Settings.load()), devices()
        start = self._start(recipe, about)
        recipe = start.shorter(recipe) if start else recipe
        given = [space.parts(night) for night in nights], [space.products(night) for night in nights]
        fit_with: Fit = lambda recipe, kept: FITS[recipe.model](recipe, *given, Run(kept, strategy, start))
        recipe, trained = self._fit(recipe, fit_with, about)
        if not strategy.chief:
            return {"surface": self.surface, "recipe": self.recipe, "night": str(self.night), "written": "by worker 0"}
        name = start.name if start else ""
        model = Model(self.get_recipe(), trained.vocabulary, trained.arrays, about["widths"], about["spec"], start=name)
        model, calibration = calibrate(model, self.gate_weeks())
        served = serve(model, space.products(self.night))
        write_bundle(model, served, str(self.night), self.questions(), self.bundle_path("fp32"))
        write_curves(trained.losses, space.folder("curves"))
        result = {
            "surface": self.surface,
            "recipe": self.recipe,
            "night": str(self.night),
            "name": served.model_name,
            "start": name,
            "full": str(start.full if start else self.night),
            "device": found[0] if found else "cpu",
            "seed": recipe.seed,
            **({"tuned": about["tuned"]} if "tuned" in about else {}),
            "batch": recipe.batch,
            "examples": about["train"],
            "losses": [round(float(np.mean(epoch)), 5) for epoch in trained.losses],
            "calibration": calibration,
            "fit_seconds": round(trained.seconds, 1),
            "seconds": round(time.time() - started, 1),
        }
        space.write_json("trained.json", result)
        self._checkpoint.unlink(missing_ok=True)
        return result

    def _start(self, recipe: Recipe, about: dict[str, Any]) -> Start | None:
        """The model that assemble_examples chose weeks for."""
        if not about.get("start"):
            return None
        if FITS[recipe.model] is fit_search:
            raise Refused(f"A {recipe.model} cannot go on from an earlier model", f"Give {recipe.name} no warm weeks")
        return load(self.open_store(), self.surface, about["start"])

    @property
    def _checkpoint(self) -> Path:
        return self.space.root / "checkpoint.npz"

    def _fit(self, recipe: Recipe, fit_with: Fit, about: dict[str, Any]) -> tuple[Recipe, Trained]:
        """The trained weights, and the recipe with the batch that fitted into the memory."""
        key = digest({"recipe": recipe.model_dump(mode="json"), "inputs": about, "tensorflow": tf.__version__})
        try:
            return recipe, fit_with(recipe, Checkpoint(self._checkpoint, key))
        except (tf.errors.ResourceExhaustedError, MemoryError):
            if recipe.batch < 2 * SMALLEST:
                raise
        half = recipe.model_copy(update={"batch": recipe.batch // 2})
        log.warning("batches of %d do not fit into the memory: training with %d", recipe.batch, half.batch)
        return self._fit(half, fit_with, about)


if __name__ == "__main__":
    sys.exit(main(TrainModel))
