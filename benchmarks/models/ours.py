"""Our own models of `home` under the protocol, through the project's own code: land, build, assemble, fit, SavedModel, answers.

Weights are trained on the recipe's weeks up to the cut-off and stay. Week w is asked on its Sunday before: the product side is
that of this night, as it is every night in production, and nothing that became known later is read. The SavedModel answers
all of its candidates instead of twenty, so that one call serves both tasks.
"""

import datetime as dt
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.models.protocol import Fold, Scorer
from benchmarks.models.rival import Rival
from include import recipes
from include.evaluation.purchases import Purchases
from include.jobs.land_events import LandEvents
from include.recipes.columns import Columns
from include.recipes.recipe import Recipe
from include.settings import SourceSpec

if TYPE_CHECKING:
    from include.features.asof import History, NightView
    from include.models.model import Model

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "var" / "bench" / "models-work"
STORE = ROOT / "var" / "bench" / "models-year"
FIRST, LAST = dt.date(2017, 1, 1), dt.date(2017, 12, 31)
CANDIDATES, BATCH = 500, 32
_NEVER = -1e9


def night(week: int) -> dt.date:
    """The Sunday before a week of the panel; week 2 begins on Monday 2017-01-02."""
    return FIRST + dt.timedelta(days=7 * (week - 2))


@cache
def year() -> Path:
    """The panel's year, landed and built into a store of the benchmark's own; kept from run to run."""
    if not STORE.exists():
        shutil.rmtree(part := STORE.with_suffix(".part"), ignore_errors=True)
        days = [str(FIRST), str(LAST)]
        LandEvents(store=str(part), source=SourceSpec(), work=WORK / "land", first=days[0], last=days[1]).run()
        words = ["benchmarks/etl_spark.py", str(part), str(WORK / "build"), *days, "--publish"]
        told = os.environ | {"PYTHONPATH": str(ROOT), "NIGHTFILL_SPARK_MASTER": "local[*]"}
        subprocess.run([sys.executable, *words], cwd=ROOT, env=told, check=True, stdout=subprocess.DEVNULL)
        part.rename(STORE)
    return STORE


@cache
def history(week: int, columns: Columns) -> "History":
    """All that was published up to the night before a week."""
    from include.features.reading import read_history
    from include.store.objects import open_store

    return read_history(open_store(str(year())), night(week), columns, SourceSpec())


def trained(recipe: Recipe, cut_off: int) -> "Model":
    """Assemble the weeks up to a cut-off, and fit."""
    from include.jobs.train_model import FITS
    from include.models.model import Model
    from include.training.assemble import assemble
    from include.training.windows import Windows
    from include.training.workspace import Workspace

    known = history(cut_off + 1, recipe.columns)
    nights = tuple(night(week) for week in range(cut_off - recipe.train_weeks + 1, cut_off + 1))
    folder = WORK / f"{recipe.name}-{cut_off}"
    shutil.rmtree(folder, ignore_errors=True)
    work, began = Workspace(folder), time.process_time()
    counts = assemble(known, recipe, Windows(night=night(cut_off + 1), train=nights, gate=()), FIRST, work)
    assembled = time.process_time()
    found = FITS[recipe.model](recipe, [work.parts(one) for one in nights], [work.products(one) for one in nights])
    seconds = {"assemble": assembled - began, "fit": time.process_time() - assembled}
    print(f"#   {recipe.name} up to week {cut_off}: {seconds} CPU s, loss {np.mean(found.losses[-1]):.4f}", flush=True)
    return Model(recipe, found.vocabulary, found.arrays, counts["widths"], known.spec.digest)


class Asked:
    """The model as it stands before one week: a SavedModel on disk, loaded, over the protocol's universe."""

    def __init__(self, model: "Model", cut: Fold, week: int, last: int) -> None:
        import tensorflow as tf

        from include.models.build import serve
        from include.models.export import write_bundle
        from include.training.assemble import product_table, questions, weekly_purchases, with_factors
        from include.training.examples import signature_inputs

        self.view: NightView = history(last, model.recipe.columns).view(night(week))
        purchases, _ = weekly_purchases(history(last, model.recipe.columns), night(week), FIRST, len(self.view.product_ids))
        table = with_factors(product_table(self.view, purchases, 0), purchases, 0, model.recipe)
        universe = cut.panel.product_ids[cut.universe].astype(str)
        table = replace(table, universe=table.universe & np.isin(table.ids.astype(str), universe))
        folder, asked = WORK / "bundle", signature_inputs(questions(self.view, model.recipe))
        write_bundle(model, serve(model, table), str(night(week)), asked, folder)
        self.signature = tf.saved_model.load(str(folder)).signatures["serving_default"]
        self.slots = model.recipe.history_slots
        self.place = {name.encode(): place for place, name in enumerate(universe)} | {b"": len(universe)}
        self.seconds, self.count = 0.0, 0

    def scores(self, households: list[str]) -> np.ndarray:
        """float32 [n, V] over the universe; the least where a product is no candidate."""
        import tensorflow as tf

        out = np.full((len(households), len(self.place)), _NEVER, np.float32)
        for start in range(0, len(households), BATCH):
            inputs = self.view.household_inputs(households[start : start + BATCH], self.slots)
            inputs["exclude_bought"] = np.zeros(len(inputs["history_product"]), bool)
            tensors = {name: tf.constant(value) for name, value in inputs.items()}
            began = time.process_time()
            answer = self.signature(**tensors)
            self.seconds, self.count = self.seconds + time.process_time() - began, self.count + len(inputs["exclude_bought"])
            for row, (products, values) in enumerate(zip(answer["product"].numpy(), answer["score"].numpy(), strict=True)):
                out[start + row, [self.place[one] for one in products]] = values
        return out[:, :-1]


def ours(cut: Fold, name: str, plan: bool, **changes: Any) -> Scorer:
    """A recipe of the surface, fitted on the weeks up to the cut-off."""
    recipe = recipes.get("home", name)
    changes = {"top_k": CANDIDATES, "gate_weeks": 1} | changes
    recipe = recipe.model_copy(update=changes | ({} if plan else {"columns": unplanned(recipe.columns)}))
    model, asked = trained(recipe, cut.cut_off), dict[int, Asked]()

    def score(purchases: Purchases, week: int, households: np.ndarray) -> np.ndarray:
        if week not in asked:
            asked.clear()
            asked[week] = Asked(model, cut, week, cut.cut_off + (4 if cut.cut_off == 44 else 7))
        one = asked[week]
        found = one.scores(cut.panel.household_ids[households].astype(str).tolist())
        print(f"#   week {week}: {1000 * one.seconds / one.count:.2f} CPU ms a household", flush=True)
        return found

    return score


def unplanned(columns: Columns) -> Columns:
    """Without what is known of the coming week's promotions."""
    planned = ("home_", "near_", "display_share", "mailer_share")
    sides = {side: tuple(n for n in names if not n.startswith(planned)) for side, names in columns.model_dump().items()}
    return Columns(**sides)


def _rival(name: str, about: str, plan: bool) -> Rival:
    make: Callable[..., Scorer] = partial(ours, name=name, plan=plan)
    return Rival(f"ours: {name}{' + plan' if plan else ''}", "ours", about, make, plan=plan)


RIVALS = (
    _rival("quick", "pair ranker over own history and hot products", True),
    _rival("two_stage", "linear retrieval, then networks over history and shortlist", True),
    _rival("two_stage", "the same", False),
    _rival("matrix_factors", "factors of what the household bought, linear habit", True),
    _rival("two_tower", "two towers, softmax in the batch with logQ", True),
    _rival("cross_network", "DCN-v2: low-rank crosses of all features", True),
    _rival("gru", "recurrent unit over recent products, linear habit", True),
    _rival("transformer", "self-attention over recent products, linear habit", True),
)
