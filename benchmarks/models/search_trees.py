"""LightGBM over the features of the text ranker. It reads the meaning of a query from the same text score, and is not told it.

    candidates    the CANDIDATES rows of the best text score; among equals, those that sold most in the last four weeks
    features      of a pair with the household's past (missing where it has none), of the product, of the household; the text
                  score, and how far it is below the query's best
    trained on    the types of household-weeks that the network is trained on, each asked once in one of the five ways; the
                  number of trees by weeks 45 and 47, in which a household asks in a way of its own

What the network learns of taste is no feature: of the weeks that it was learned from it would tell too much.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from benchmarks.models.ours import BATCH, assembled_for, trained
from benchmarks.models.protocol import VALID, Fold
from benchmarks.models.rival import Rival
from benchmarks.models.same_features import block_of
from benchmarks.models.search import Answerer, measure, questions_of, recipe_of
from benchmarks.models.trees import SEED, grown
from include.evaluation.baselines import top
from include.features.queries import VARIANTS, ask, asked_as

if TYPE_CHECKING:
    import lightgbm

    from include.evaluation.gate_queries import QueryWeek
    from include.models.model import Model
    from include.models.tables import ProductTable

CANDIDATES, PLACES = 500, 20
SHARE = 0.1
"""Of the pairs that were not bought, in training: a question has hundreds of them."""
_ALMOST_NOTHING = 1e-4

Part = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Of some pairs: question int [n], features float32 [n, F], bought float32 [n]."""


class Reading:
    """What the trees see of a night."""

    def __init__(self, model: "Model", table: "ProductTable") -> None:
        from include.models.build import serve
        from include.models.served_search import ServedSearch

        tables, sold = model.tables(table), np.append(0.0, table.trend[table.universe])
        self.row_of, self.features, self.served = tables.row_of, tables.features, cast(ServedSearch, serve(model, table))
        self.product = np.append(-1, np.flatnonzero(table.universe))
        self.tie = _ALMOST_NOTHING * sold / (1.0 + sold.max())

    def pairs(self, batch: dict[str, Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Question int [n], row int [n] and features float32 [n, F] of the candidates of a batch of fit_search.py."""
        near, slots = self.served.match(batch["query"]).numpy(), self.row_of[batch["history_product"]]
        near[:, 0] = -np.inf
        found = top(near + self.tie, CANDIDATES)
        question, place = np.nonzero(found > 0)
        row = found[question, place]
        owner, text = batch["owner"][question], near[question, row]
        slot_of = np.full((len(slots), near.shape[1]), -1)
        slot_of[np.arange(len(slots))[:, None], slots] = np.arange(slots.shape[1])
        past = batch["history_features"][owner, slot_of[owner, row]]
        past[slot_of[owner, row] < 0] = np.nan
        below = text - near.max(axis=1)[question]
        parts = [past, self.features[row], batch["household_features"][owner], text[:, None], below[:, None]]
        return question, row, np.concatenate(parts, axis=1)


def trees(cut: Fold) -> Answerer:
    """Trees on the weeks that the recipe is trained on."""
    model = trained(recipe_of("quick"), cut.cut_off)
    readings: dict[int, Reading] = {}

    def at(week: "QueryWeek") -> Reading:
        if week.week.week not in readings:
            readings.clear()
            readings[week.week.week] = Reading(model, week.week.products)
        return readings[week.week.week]

    weeks = questions_of(cut).weeks
    held = lambda: block_of(part for week in (VALID[0], VALID[-1]) for part in _held(weeks[week], at(weeks[week])))
    booster = grown(cut, "search", block_of(_training(model, cut)), held)
    return lambda week, variant: _answers(booster, week, at(week), variant)


def _training(model: "Model", cut: Fold) -> Iterator[Part]:
    """By batch of households; a share of the pairs that were not bought."""
    from include.training.fit_search import Asking, SearchNight

    given, rng = assembled_for(model.recipe, cut.cut_off), np.random.default_rng(SEED)
    for one in given.nights:
        table = given.work.products(one)
        night, reading = SearchNight(table, model.tables(table), model.arrays), Reading(model, table)  # type: ignore[arg-type]
        asking = Asking(given.work.examples(one), night, model.recipe.train_queries)
        for start in range(0, len(asking.usable), BATCH):
            batch = asking.batch(asking.usable[start : start + BATCH], f"{SEED} {one}")
            question, values, bought = labelled(reading, batch, bought_rows(batch))
            keep = (bought > 0) | (rng.random(len(bought)) < SHARE)
            yield question[keep], values[keep], bought[keep]


def _held(week: "QueryWeek", reading: Reading) -> Iterator[Part]:
    names = week.week.examples.household
    ways = [asked_as(names[one.household], one.plain) for one in week.asked]
    right = [reading.row_of[list(one.bought)] for one in week.asked]
    for start, batch in _batches(week, ways):
        yield labelled(reading, batch, right[start : start + BATCH])


def labelled(reading: Reading, batch: dict[str, Any], right: Sequence[np.ndarray]) -> Part:
    """All pairs of a batch; `right` are the rows that were bought, by question."""
    question, row, values = reading.pairs(batch)
    size = len(reading.product)
    bought = np.concatenate([i * size + rows for i, rows in enumerate(right)])
    return question, values, np.isin(question * size + row, bought).astype(np.float32)


def bought_rows(batch: dict[str, Any]) -> list[np.ndarray]:
    """By question of a batch of training."""
    question, row = batch["right"].T
    return np.split(row, np.searchsorted(question, np.arange(1, len(batch["query"]))))


def _answers(booster: "lightgbm.Booster", week: "QueryWeek", reading: Reading, variant: str) -> np.ndarray:
    found = np.full((len(week.asked), PLACES), -1, np.int64)
    for start, batch in _batches(week, [variant] * len(week.asked)):
        question, row, values = reading.pairs(batch)
        order = np.lexsort((-np.asarray(booster.predict(values, num_threads=2)), question))
        for i, rows in enumerate(np.split(row[order], np.flatnonzero(np.diff(question)) + 1), start):
            found[i, : len(rows[:PLACES])] = reading.product[rows[:PLACES]]
    return found


def _batches(week: "QueryWeek", ways: Sequence[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Where each batch of a week's questions begins, and the batch, each asked in its way."""
    owner = np.array([one.household for one in week.asked], np.int64)
    queries = np.array([ask(way, one.plain, one.category) for way, one in zip(ways, week.asked, strict=True)], object)
    for start in range(0, len(owner), BATCH):
        chosen = slice(start, start + BATCH)
        inputs = week.week.examples.inputs(owner[chosen])
        yield start, inputs | {"query": queries[chosen], "owner": np.arange(len(queries[chosen]))}


RIVALS = (
    Rival(
        "search: LightGBM on our features", "trees", "trees over past, product, household and our text score", trees,
        tasks=VARIANTS, tuned=True, measure=measure,
    ),
)  # fmt: skip
