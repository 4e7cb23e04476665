"""What bench_training.py trains on: an assembled folder, a recipe, and one or more epochs over some of its weeks."""

import datetime as dt
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from include import recipes
from include.recipes.recipe import Recipe
from include.training.windows import Windows
from tests import toy_shop
from tests.stretched_shop import StretchedHistory

if TYPE_CHECKING:
    from include.models.model import Model
    from include.training.fit import Trained
    from include.training.loop import Course, Run
    from include.training.warm import Start
    from include.training.workspace import Workspace

WIDTHS = {"history": 18, "product": 15, "household": 8}


@dataclass(frozen=True)
class Shop:
    """An assembled training set. `words` ask for the same shop again."""

    folder: Path
    recipe: Recipe
    cut: Windows
    words: tuple[str, ...]
    about: str = field(default="")

    @property
    def work(self) -> "Workspace":
        from include.training.workspace import Workspace

        return Workspace(self.folder)

    def fit(self, nights: Sequence[dt.date], start: "Start | None" = None) -> "tuple[Trained, float]":
        """As train_model does it, and its CPU seconds."""
        from include.jobs.train_model import FITS
        from include.training.loop import Run

        recipe, began = start.shorter(self.recipe) if start else self.recipe, time.process_time()
        parts, tables = [self.work.parts(night) for night in nights], [self.work.products(night) for night in nights]
        return FITS[recipe.model](recipe, parts, tables, Run(start=start)), time.process_time() - began

    def once(self, run: "Run") -> dict[str, np.ndarray]:
        """Weights after one epoch over the newest weeks."""
        from include.jobs.train_model import FITS

        recipe, nights = self.recipe.model_copy(update={"epochs": 1}), self.cut.train[-2:]
        parts, tables = [self.work.parts(night) for night in nights], [self.work.products(night) for night in nights]
        return FITS[recipe.model](recipe, parts, tables, run).arrays

    def course(self) -> "Course":
        """The pair ranker's course over all weeks: its step is the lightest, so that waiting for input shows most."""
        from include.models.pair_ranker import PairRanker
        from include.models.tables import night_tables
        from include.training import fit
        from include.training.batches import Feed, Night
        from include.training.scalers import fit_scalers

        parts, tables = [[make(night) for night in self.cut.train] for make in (self.work.parts, self.work.products)]
        vocabulary = fit.vocabulary_of(tables)
        products = [night_tables(table, vocabulary, self.recipe.hot_products) for table in tables]
        feed = Feed(parts, lambda night, part: Night(part, products[night]), self.recipe.batch, self.recipe.seed)
        model = PairRanker(self.recipe, vocabulary, fit_scalers(parts, tables))
        sides = [fit.product_tensors(table, model.scalers) for table in products]
        return fit.course_of(model, self.recipe, feed, sides, len(feed.plan(0)))

    def model(self, trained: "Trained") -> "Model":
        from include.models.model import Model

        about = json.loads((self.folder / "assembled.json").read_bytes())
        return Model(self.recipe, trained.vocabulary, trained.arrays, about["widths"], "bench")

    def measure(self, trained: "Trained") -> float:
        """NDCG@10 on the gate weeks."""
        from include.evaluation.gate_weeks import GateWeek, measure_model

        one = lambda night: GateWeek(night, self.cut.week(night), self.work.examples(night), self.work.products(night))
        return measure_model(self.model(trained), [one(night) for night in self.cut.gate]).means()["ndcg@10"]


def made_up(folder: Path, recipe: str) -> Shop:
    """1,500 households with 4,000 products and the panel's number of features."""
    from include.training.windows import windows

    smaller = {"train_weeks": 8, "gate_weeks": 2, "history_slots": 128, "seed": 1}
    found = recipes.get("home", recipe).model_copy(update=smaller)
    cut = windows(toy_shop.NIGHT, toy_shop.FIRST, found.train_weeks, found.gate_weeks)
    make = lambda: StretchedHistory(WIDTHS, households=1500, products=4000)
    return _shop(folder, found, cut, make, toy_shop.FIRST, ("--recipe", recipe), "a made-up shop")


def of_store(folder: Path, store: Path, night: dt.date, recipe: str) -> Shop:
    """The weeks before a night of a store, which is only read."""
    from include.features.reading import read_history
    from include.settings import SourceSpec
    from include.store.objects import open_store
    from include.training.windows import windows

    found = recipes.get("home", recipe)
    words = ("--store", str(store), "--night", str(night), "--recipe", recipe)
    if (folder / "assembled.json").exists():
        cut = Windows.model_validate(json.loads((folder / "assembled.json").read_bytes())["windows"])
        return Shop(folder, found, cut, words)
    history = read_history(open_store(str(store)), night, found.columns, SourceSpec())
    cut = windows(night, history.first, found.train_weeks, found.gate_weeks)
    return _shop(folder, found, cut, lambda: history, history.first, words, f"{store}, night {night}")


def _shop(folder: Path, recipe: Recipe, cut: Windows, make, first: dt.date, words: tuple[str, ...], about: str) -> Shop:
    from include.training.assemble import assemble
    from include.training.workspace import Workspace

    if not (folder / "assembled.json").exists():
        began = time.process_time()
        counts = assemble(make(), recipe, cut, first, Workspace(folder))
        Workspace(folder).write_json("assembled.json", {"windows": cut.model_dump(mode="json"), **counts})
        about += (
            f", recipe {recipe.name}: {counts['train']} household-weeks, assembled in {time.process_time() - began:.0f} CPU s"
        )
    return Shop(folder, recipe, cut, words, about)
