"""What the jobs of one training run have in common: which surface, recipe and night, and the folder they share."""

import datetime as dt
import json
from pathlib import Path

import numpy as np

from include import recipes
from include.evaluation.gate_weeks import GateWeek
from include.jobs.frame import Job
from include.recipes.recipe import Recipe
from include.recipes.space import with_values
from include.training.query_examples import sample_queries
from include.training.windows import Windows
from include.training.workspace import Workspace

ASSEMBLED = "assembled.json"


class TrainingJob(Job):
    """Fields: surface, recipe (its name), night (the model's own), work (the run's folder)."""

    surface: str
    recipe: str
    night: dt.date
    work: Path

    def get_recipe(self) -> Recipe:
        """The recipe, with the values of a search where the examples were assembled for these."""
        plain = recipes.get(self.surface, self.recipe)
        if not (self.work / ASSEMBLED).exists():
            return plain
        asked = self.space.read_json(ASSEMBLED, "assemble_examples").get("tuned")
        return with_values(plain, asked["values"]) if asked else plain

    @property
    def space(self) -> Workspace:
        return Workspace(self.work)

    def windows(self) -> Windows:
        return Windows.model_validate(self.space.read_json(ASSEMBLED, "assemble_examples")["windows"])

    def gate_weeks(self) -> list[GateWeek]:
        """The last matured weeks, as assembled."""
        windows, space = self.windows(), self.space
        return [GateWeek(night, windows.week(night), space.examples(night), space.products(night)) for night in windows.gate]

    def questions(self) -> dict[str, np.ndarray]:
        """Inputs of the signature for some households as of the model's night, with queries where the surface takes them."""
        inputs = self.space.questions()
        if not self.get_recipe().query:
            return inputs
        return inputs | {"query": sample_queries(self.space.products(self.night), len(inputs["exclude_bought"]))}

    def bundle_path(self, precision: str) -> Path:
        return self.work / precision


def chosen_bundle(space: Workspace) -> tuple[Path, dict[str, object]]:
    """The bundle that compression let through, and what it says of it."""
    choice = space.read_json("bundle.json", "compress_model")
    folder = space.root / str(choice["folder"])
    return folder, json.loads((folder / "assets.extra" / "nightfill.json").read_bytes())
