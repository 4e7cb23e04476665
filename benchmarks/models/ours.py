"""Our own models of `home` under the protocol, through the project's own code: land, build, assemble, fit, SavedModel, answers.

Weights are trained on the recipe's weeks up to the cut-off and stay. Week w is asked on its Sunday before: the product side is
that of this night, as it is every night in production, and nothing that became known later is read. The SavedModel answers
all of its candidates instead of twenty, and is asked for each task as a page would ask: for new products with `exclude_bought`.
"""

import datetime as dt
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.models.parts import WHOLE, Part
from benchmarks.models.protocol import CUT_OFF, NEVER, STRESS, VALID, Fold, Scorer, Scores, queries
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
    from include.training.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "var" / "bench" / "models-work"
STORE = ROOT / "var" / "bench" / "models-year"
FIRST, LAST = dt.date(2017, 1, 1), dt.date(2017, 12, 31)
CANDIDATES, BATCH, ROUNDS = 500, 32, 5
TWO_STAGES_MS = {"features": 4.0, "graph": 1.0}
"""What the surface's model may take: 1 for its two stages, 5 with what the caller makes."""


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


def known_for(cut_off: int, columns: Columns) -> "History":
    """Up to the end of the last week that is asked for after a cut-off; a view of a night reads nothing after that night."""
    return history(last_week(cut_off) + 1, columns)


def last_week(cut_off: int) -> int:
    return VALID[-1] if cut_off == CUT_OFF[VALID] else STRESS[-1]


@dataclass(frozen=True)
class Assembled:
    """The training nights of a recipe, and the CPU seconds that it took to assemble them."""

    work: "Workspace"
    nights: tuple[dt.date, ...]
    widths: dict[str, int]
    spec: str
    seconds: float


@cache
def assembled(columns: Columns, train_weeks: int, slots: int, factors: int, seed: int, cut_off: int) -> Assembled:
    """The weeks up to a cut-off; recipes that differ in nothing else share them."""
    from include.training.assemble import assemble
    from include.training.windows import Windows
    from include.training.workspace import Workspace

    recipe = Recipe(
        surface="home", name="assembled", model="none", columns=columns, train_weeks=train_weeks, history_slots=slots,
        factors=factors, seed=seed, gate_weeks=1,
    )  # fmt: skip
    known, began = history(cut_off + 1, columns), time.process_time()
    nights = tuple(night(week) for week in range(cut_off - train_weeks + 1, cut_off + 1))
    folder = WORK / f"{recipe.digest[:12]}-{cut_off}"
    shutil.rmtree(folder, ignore_errors=True)
    work = Workspace(folder)
    counts = assemble(known, recipe, Windows(night=night(cut_off + 1), train=nights, gate=()), FIRST, work)
    return Assembled(work, nights, counts["widths"], known.spec.digest, time.process_time() - began)


def assembled_for(recipe: Recipe, cut_off: int) -> Assembled:
    return assembled(recipe.columns, recipe.train_weeks, recipe.history_slots, recipe.factors, recipe.seed, cut_off)


def trained(recipe: Recipe, cut_off: int, part: Part = WHOLE) -> "Model":
    """Assemble the weeks up to a cut-off, and fit without a part; once, whoever asks for it."""
    return _trained(recipe, cut_off, part)


@cache
def _trained(recipe: Recipe, cut_off: int, part: Part) -> "Model":
    from include.jobs.train_model import FITS
    from include.models.model import Model

    given = assembled_for(recipe, cut_off)
    examples = [part.examples(given.work.parts(one), recipe) for one in given.nights]
    tables = [part.table(given.work.products(one), recipe) for one in given.nights]
    began = time.process_time()
    with part.constants():
        found = FITS[recipe.model](recipe, examples, tables)
    seconds = {"assemble": round(given.seconds), "fit": round(time.process_time() - began)}
    print(f"#   {recipe.name} up to week {cut_off}: {seconds} CPU s, loss {np.mean(found.losses[-1]):.4f}", flush=True)
    return Model(recipe, found.vocabulary, part.weights(found.arrays), given.widths, given.spec)


class Asked:
    """The model as it stands before one week: a SavedModel on disk, loaded, over the protocol's universe."""

    def __init__(self, model: "Model", cut: Fold, week: int, part: Part = WHOLE) -> None:
        import tensorflow as tf

        from include.models.build import serve
        from include.models.export import write_bundle
        from include.training.assemble import product_table, questions, weekly_purchases, with_factors
        from include.training.examples import signature_inputs

        known = known_for(cut.cut_off, model.recipe.columns)
        self.view: NightView = known.view(night(week))
        purchases, _ = weekly_purchases(known, night(week), FIRST, len(self.view.product_ids))
        table = part.table(with_factors(product_table(self.view, purchases, 0), purchases, 0, model.recipe), model.recipe)
        universe = cut.panel.product_ids[cut.universe].astype(str)
        table = replace(table, universe=table.universe & np.isin(table.ids.astype(str), universe))
        folder, asked = WORK / "bundle", signature_inputs(questions(self.view, model.recipe))
        self.served = serve(model, table)
        write_bundle(model, self.served, str(night(week)), asked, folder)
        self.signature = tf.saved_model.load(str(folder)).signatures["serving_default"]
        self.signature(**{name: tf.constant(value) for name, value in asked.items()})  # a server warms up before it is asked
        self.recipe, self.part = model.recipe, part
        self.place = {name.encode(): place for place, name in enumerate(universe)} | {b"": len(universe)}

    def scores(self, households: list[str], new: bool) -> np.ndarray:
        """float32 [n, V] over the universe; the least where a product is no candidate. `new`: of new products alone."""
        out = np.full((len(households), len(self.place)), NEVER, np.float32)
        for start, tensors in self.batches(households, new):
            answer = self.signature(**tensors)
            for row, (products, values) in enumerate(zip(answer["product"].numpy(), answer["score"].numpy(), strict=True)):
                out[start + row, [self.place[one] for one in products]] = values
        return out[:, :-1]

    def batches(self, households: list[str], new: bool = False) -> Iterator[tuple[int, dict[str, Any]]]:
        """Where each batch begins, and the inputs of the signature."""
        import tensorflow as tf

        for start in range(0, len(households), BATCH):
            some = households[start : start + BATCH]
            inputs = self.view.household_inputs(some, self.recipe.history_slots)
            inputs["history_features"] = self.part.history(inputs["history_features"], self.recipe)
            inputs["exclude_bought"] = np.full(len(inputs["history_product"]), new)
            yield start, {name: tf.constant(value) for name, value in inputs.items()}


def recipe_of(name: str, plan: bool = True, **changes: Any) -> Recipe:
    """A recipe of the surface that answers all of its candidates."""
    recipe = recipes.get("home", name)
    changes = {"top_k": CANDIDATES, "gate_weeks": 1} | changes
    return recipe.model_copy(update=changes | ({} if plan else {"columns": unplanned(recipe.columns)}))


class Ours:
    """A scorer: a trained model as it stands before the week that is asked for."""

    def __init__(self, model: "Model", cut: Fold, part: Part) -> None:
        self._model, self._cut, self._part = model, cut, part
        self._asked: dict[int, Asked] = {}

    def __call__(self, purchases: Purchases, week: int, households: np.ndarray) -> Scores:
        if week not in self._asked:
            self._asked = {week: Asked(self._model, self._cut, week, self._part)}
        one, names = self._asked[week], self._cut.panel.household_ids[households].astype(str).tolist()
        return {"all": one.scores(names, new=False), "new": one.scores(names, new=True)}

    def cost(self) -> dict[str, float]:
        """CPU ms of one household in a batch of BATCH, answered as a shop serves the recipe: `features` makes what a caller
        sends, `graph` is the SavedModel. The best of ROUNDS: whatever else the machine does only adds to it."""
        recipe, week = self._model.recipe, self._cut.cut_off + 1
        served = recipe.model_copy(update={"top_k": recipes.get(recipe.surface, recipe.name).top_k})
        one = Asked(replace(self._model, recipe=served), self._cut, week, self._part)
        names = self._cut.panel.household_ids[queries(self._cut, week)].astype(str).tolist()
        rounds = np.array([_round(one, names) for _ in range(ROUNDS)])
        return dict(zip(("features", "graph"), (1000 * rounds.min(axis=0) / len(names)).tolist(), strict=True))


def _round(one: Asked, names: list[str]) -> tuple[float, float]:
    """CPU seconds in which all are prepared, and answered."""
    began = time.process_time()
    batches = [tensors for _, tensors in one.batches(names)]
    made = time.process_time()
    for tensors in batches:
        one.signature(**tensors)
    return made - began, time.process_time() - made


def ours(cut: Fold, name: str, plan: bool, part: Part = WHOLE, **changes: Any) -> Ours:
    """A recipe of the surface without a part of it, fitted on the weeks up to the cut-off."""
    return Ours(trained(recipe_of(name, plan, **changes), cut.cut_off, part), cut, part)


def unplanned(columns: Columns) -> Columns:
    """Without what is known of the coming week's promotions."""
    sides = {side: tuple(n for n in names if not planned(n)) for side, names in columns.model_dump().items()}
    return Columns(**sides)


def planned(name: str) -> bool:
    """Whether a column tells of the coming week's promotions. Those of the week before (`display_share_before`) do not."""
    from include.features.entries.promotion import SHOWN

    return name.startswith(("home_", "near_")) or name in {f"{kind}_share" for kind in SHOWN}


def _rival(name: str, about: str, plan: bool, limit_ms: Mapping[str, float] = MappingProxyType({})) -> Rival:
    make: Callable[..., Scorer] = partial(ours, name=name, plan=plan)
    return Rival(f"ours: {name}{' + plan' if plan else ''}", "ours", about, make, plan=plan, limit_ms=limit_ms)


RIVALS = (
    _rival("quick", "pair ranker over own history and hot products", True),
    _rival("two_stage", "linear retrieval, then networks over history and shortlist", True, TWO_STAGES_MS),
    _rival("two_stage", "the same", False, TWO_STAGES_MS),
    _rival("matrix_factors", "factors of what the household bought, linear habit", True),
    _rival("two_tower", "two towers, softmax in the batch with logQ", True),
    _rival("cross_network", "DCN-v2: low-rank crosses of all features", True),
    _rival("gru", "recurrent unit over recent products, linear habit", True),
    _rival("transformer", "self-attention over recent products, linear habit", True),
)
