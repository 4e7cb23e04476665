"""From the feature store's history to a training run's folder. The only step of training that reads the store's features."""

import datetime as dt
import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from include.evaluation.purchases import Purchases
from include.jobs.frame import progress
from include.models.tables import ProductTable
from include.recipes.recipe import Recipe
from include.training.examples import PART, Examples, Ragged, ragged, write_examples
from include.training.factors import product_factors
from include.training.windows import WEEK, Windows
from include.training.workspace import Workspace, write_products

log = logging.getLogger("nightfill")
QUESTIONS = 64
_CHUNK = 2048
"""Households asked for, and held, at once. A call reads all counters of the night, so few large ones cost least."""
assert _CHUNK % PART == 0, "only the last part of a night may be smaller"


class NightView(Protocol):
    """What was known at the end of one night; see include/features/asof.py."""

    @property
    def product_ids(self) -> list[str]: ...

    @property
    def universe(self) -> np.ndarray: ...

    @property
    def product_features(self) -> np.ndarray: ...

    @property
    def content(self) -> dict[str, np.ndarray]: ...

    @property
    def households(self) -> list[str]: ...

    def household_inputs(self, households: Sequence[str], slots: int) -> dict[str, np.ndarray]: ...


class History(Protocol):
    """All nights up to the one it was loaded for."""

    def view(self, night: dt.date) -> NightView: ...

    def bought(self, first: dt.date, last: dt.date) -> dict[str, set[int]]: ...


def assemble(history: History, recipe: Recipe, windows: Windows, first: dt.date, work: Workspace) -> dict[str, Any]:
    """Write examples, product tables, weekly purchases and questions; returns the counts.

    Args:
        first: the first night of the data: weeks are read back to it.
    """
    started = time.time()
    view = history.view(windows.night)
    purchases, households = weekly_purchases(history, windows.night, first, len(view.product_ids))
    work.folder("products")
    work.write_weeks(purchases, households)
    counts: dict[str, int] = {}
    for done, night in enumerate(windows.nights, 1):
        view = history.view(night)
        table = with_factors(product_table(view, purchases, windows.week(night)), purchases, windows.week(night), recipe)
        write_products(table, work.root / "products" / f"{night}.parquet")
        if night < windows.night:
            labels = _labels(purchases, households, windows.week(night) + 1)
            counts[str(night)] = write_examples(_examples(view, table, labels, recipe), work.examples_path(night))
        progress(done, len(windows.nights), "nights assembled", started)
    write_examples([questions(view, recipe)], work.root / "questions.parquet")
    return {
        "households": counts,
        "train": sum(counts[str(night)] for night in windows.train),
        "gate": sum(counts[str(night)] for night in windows.gate),
        "universe": int(view.universe.sum()),
        "widths": widths(view, recipe),
    }


def weekly_purchases(history: History, night: dt.date, first: dt.date, size: int) -> tuple[Purchases, list[str]]:
    """Every week back from a night: week 0 ends on it. Product indices are the shop's, `size` of them are known."""
    household: list[str] = []
    product: list[np.ndarray] = []
    week: list[np.ndarray] = []
    last, number = night, 0
    while last >= first:
        for name, bought in sorted(history.bought(max(first, last - WEEK + dt.timedelta(days=1)), last).items()):
            household += [name] * len(bought)
            product.append(np.fromiter(sorted(bought), np.int64, len(bought)))
            week.append(np.full(len(bought), number, np.int64))
        last, number = last - WEEK, number - 1
    names, index = np.unique(np.array(household, dtype=str), return_inverse=True)
    nothing = [np.zeros(0, np.int64)]
    triples = index, np.concatenate(product + nothing), np.concatenate(week + nothing)
    return Purchases(*triples, (len(names), size)), [str(name) for name in names]


def product_table(view: NightView, purchases: Purchases, week: int) -> ProductTable:
    """The product side as of the night that ends a week."""
    size = len(view.product_ids)
    return ProductTable(
        ids=np.array(view.product_ids, object),
        universe=np.asarray(view.universe, bool),
        features=np.asarray(view.product_features, np.float32),
        types=_filled(view.content["type"]),
        categories=_filled(view.content["category"]),
        recent=purchases.buyers(week + 1, last=1)[:size],
        trend=purchases.buyers(week + 1, last=4)[:size],
    )


def with_factors(table: ProductTable, purchases: Purchases, week: int, recipe: Recipe) -> ProductTable:
    """The table with product factors as of the night that ends a week, for a recipe that asks for them."""
    if not recipe.factors:
        return table
    inside = np.flatnonzero(table.universe)
    factors = np.zeros((len(table.ids), 2 * recipe.factors), np.float32)
    factors[inside] = product_factors(purchases.matrix(week + 1)[:, inside], recipe.factors, recipe.seed)
    return replace(table, factors=factors)


def widths(view: NightView, recipe: Recipe) -> dict[str, int]:
    """Number of features by side."""
    inputs = view.household_inputs(view.households[:1], recipe.history_slots)
    return {
        "history": inputs["history_features"].shape[2],
        "product": view.product_features.shape[1],
        "household": inputs["household_features"].shape[1],
    }


def _labels(purchases: Purchases, households: list[str], week: int) -> dict[str, np.ndarray]:
    now = purchases.week == week
    index, product = purchases.household[now], purchases.product[now]
    order = np.lexsort((product, index))
    index, product = index[order], product[order]
    starts = np.flatnonzero(np.diff(index, prepend=-1))
    return (
        {households[index[s]]: part for s, part in zip(starts, np.split(product, starts[1:]), strict=True)}
        if len(index)
        else {}
    )


def _examples(view: NightView, table: ProductTable, labels: dict[str, np.ndarray], recipe: Recipe) -> Iterator[Examples]:
    """Households with a past and at least one purchase of the night's universe in the week after it, in pieces."""
    size = len(table.ids)
    right = {name: part[part < size] for name, part in labels.items()}
    right = {name: part[table.universe[part]] for name, part in right.items()}
    known = set(view.households)
    asked = [name for name in sorted(right) if len(right[name]) and name in known]
    for start in range(0, max(len(asked), 1), _CHUNK):
        some = asked[start : start + _CHUNK]
        yield _gather(view, some, [right[name] for name in some], recipe)


def _gather(view: NightView, asked: list[str], bought: list[np.ndarray], recipe: Recipe) -> Examples:
    inputs = view.household_inputs(asked, recipe.history_slots)
    filled = inputs["history_product"] >= 0
    offsets = np.concatenate([[0], np.cumsum(filled.sum(axis=1))]).astype(np.int64)
    slots = Ragged(inputs["history_product"][filled].astype(np.int32), offsets)
    features, household = (inputs[f"{side}_features"].astype(np.float32) for side in ("history", "household"))
    return Examples(asked, slots, features[filled], household, ragged(bought))


def questions(view: NightView, recipe: Recipe) -> Examples:
    """Households spread over the list; the second one is unknown to everybody."""
    step = max(1, len(view.households) // QUESTIONS)
    asked = view.households[::step][: QUESTIONS - 1]
    asked.insert(1, "")
    return _gather(view, asked, [np.zeros(0, np.int32)] * len(asked), recipe)


def _filled(names: np.ndarray) -> np.ndarray:
    return np.array(["" if name is None else str(name) for name in names], object)
