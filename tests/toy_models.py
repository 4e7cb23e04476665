"""Toy models for tests: made once a process, on the toy shop."""

import atexit
import functools
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from include.compression.int8 import compress
from include.jobs.train_model import FITS
from include.models import formulas
from include.models.build import serve
from include.models.export import write_bundle
from include.models.model import Model
from include.models.vocabulary import Vocabulary
from include.recipes.columns import Columns
from include.recipes.recipe import Recipe
from include.training.assemble import assemble
from include.training.fit import Trained
from include.training.windows import Windows, windows
from include.training.workspace import Workspace
from tests.toy_shop import FIRST, NIGHT, RECIPE, WIDTHS, ToyHistory

QUICK = RECIPE.model_copy(update={"epochs": 1})
COLUMNS = Columns(history=("recency", "days_total", "single"))
TWO_STAGE = RECIPE.model_copy(
    update={"name": "two_stage", "model": "two_stage", "factors": 4, "shortlist": 12, "columns": COLUMNS, "epochs": 12}
)
SMALL = {
    name: RECIPE.model_copy(
        update={"name": name, "model": name, "embedding": 16, "embedding_rate": 1.0, "epochs": 16, "learning_rate": 0.02}
    )
    for name in formulas.SMALL
}


@functools.cache
def folder() -> Path:
    """A folder that lives as long as the test process."""
    path = Path(tempfile.mkdtemp(prefix="toy-"))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


@functools.cache
def workspace() -> tuple[Workspace, Windows]:
    """The toy shop, assembled."""
    work, cut = Workspace(folder() / "work"), windows(NIGHT, FIRST, RECIPE.train_weeks, RECIPE.gate_weeks)
    counts = assemble(ToyHistory(), TWO_STAGE, cut, FIRST, work)
    about = {"windows": cut.model_dump(mode="json"), "inputs": {"features": "toy"}, "spec": "toy", **counts}
    work.write_json("assembled.json", about)
    return work, cut


@functools.cache
def trained(recipe: Recipe = RECIPE) -> Trained:
    """A model after all epochs on the toy shop's training weeks."""
    work, cut = workspace()
    make = FITS[recipe.model]
    return make(recipe, [work.parts(night) for night in cut.train], [work.products(night) for night in cut.train])


def pair_ranker() -> Model:
    return Model(RECIPE, trained().vocabulary, trained().arrays, WIDTHS, "toy")


def two_stage() -> Model:
    found = trained(TWO_STAGE)
    return Model(TWO_STAGE, found.vocabulary, found.arrays, WIDTHS, "toy")


def small(name: str, change: Callable[[Model], Model] = lambda model: model) -> Model:
    found = trained(SMALL[name])
    return change(Model(SMALL[name], found.vocabulary, found.arrays, WIDTHS, "toy"))


def popularity() -> Model:
    return Model(RECIPE.model_copy(update={"name": "popularity", "model": "popularity"}), Vocabulary(), {}, WIDTHS, "toy")


@functools.cache
def bundle(kind: str) -> Path:
    """An exported bundle of one of MODELS."""
    work, _ = workspace()
    model = MODELS[kind]()
    path = folder() / kind
    write_bundle(model, serve(model, work.products(NIGHT)), str(NIGHT), work.questions(), path)
    return path


MODELS = {
    "popularity": popularity,
    "pair_ranker": pair_ranker,
    "int8": lambda: compress(pair_ranker()),
    "two_stage": two_stage,
    "two_stage_int8": lambda: compress(two_stage()),
    **{name: functools.partial(small, name) for name in SMALL},
    **{f"{name}_int8": functools.partial(small, name, compress) for name in SMALL},
}


def question(households: int = 3, slots: int = 5, seed: int = 0) -> dict[str, np.ndarray]:
    """Random inputs of the signature: full histories, nobody excludes anything."""
    rng = np.random.default_rng(seed)
    return {
        "history_product": np.stack([rng.permutation(60)[:slots] for _ in range(households)]).astype(np.int32),
        "history_features": rng.normal(1, 1, (households, slots, WIDTHS["history"])).astype(np.float32),
        "household_features": rng.normal(1, 1, (households, WIDTHS["household"])).astype(np.float32),
        "exclude_bought": np.zeros(households, bool),
    }
