"""Ask a model, and the simple rankers, on the last matured weeks: everything as it stood at the end of each gate night."""

import datetime as dt
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from include.evaluation import baselines, metrics
from include.evaluation.purchases import Purchases
from include.models.build import serve
from include.models.model import Model
from include.models.serving import Served
from include.models.tables import ProductTable
from include.training.examples import Examples

BATCH = 64


@dataclass(frozen=True)
class GateWeek:
    """One gate night: its households with what they bought of the universe in the week after, and the product table."""

    night: dt.date
    week: int
    examples: Examples
    products: ProductTable

    @property
    def relevant(self) -> list[set[int]]:
        return [set(self.examples.bought.row(i).tolist()) for i in range(len(self.examples))]


@dataclass(frozen=True)
class Soundness:
    """Answers that are broken, and answers that give every product the same score."""

    wrong: int = 0
    flat: int = 0

    def __add__(self, other: Self) -> Self:
        return replace(self, wrong=self.wrong + other.wrong, flat=self.flat + other.flat)


@dataclass(frozen=True)
class Measured:
    """Values of each metric by answer [Q] in the order of the weeks; how sound a model's answers are, and their CPU seconds."""

    values: dict[str, np.ndarray]
    coverage: float
    soundness: Soundness = Soundness()
    cpu: float = 0.0

    def means(self) -> dict[str, float]:
        means = {name: round(float(value.mean()), 5) if len(value) else 0.0 for name, value in self.values.items()}
        return means | {"coverage": round(self.coverage, 5)}


def measure_model(model: Model, weeks: list[GateWeek]) -> Measured:
    """Rebuild the model on each gate night's products and ask it: no table comes from a later night."""
    soundness, cpu = Soundness(), 0.0

    def ask(week: GateWeek) -> np.ndarray:
        nonlocal soundness, cpu
        served, before = serve(model, week.products), time.process_time()
        answers, found = ask_all(served, week.examples, week.products)
        soundness, cpu = soundness + found, cpu + time.process_time() - before
        return answers

    return replace(_measure(weeks, ask), soundness=soundness, cpu=cpu)


def measure_baselines(weeks: list[GateWeek], purchases: Purchases, names: list[str]) -> dict[str, Measured]:
    """Popularity, item-kNN and recency on the same households and the same universe."""
    place = {name: i for i, name in enumerate(names)}
    fitted: dict[int, tuple[Purchases, np.ndarray, baselines.ItemKnn]] = {}
    for week in weeks:
        universe = np.zeros(purchases.shape[1], bool)
        universe[: len(week.products.universe)] = week.products.universe
        inside = purchases.within(universe)
        fitted[week.week] = (inside, np.flatnonzero(universe), baselines.ItemKnn(inside, week.week + 1))

    def ask(scorer: Callable[[int], baselines.Scorer]) -> Measured:
        def one(week: GateWeek) -> np.ndarray:
            inside, index, _ = fitted[week.week]
            asked = np.array([place[name] for name in week.examples.household], np.int64)
            return index[baselines.answers(scorer(week.week), inside, week.week + 1, asked)]

        return _measure(weeks, one)

    return {
        "popularity": ask(lambda week: baselines.popularity),
        "item_knn": ask(lambda week: fitted[week][2]),
        "recency": ask(lambda week: baselines.recency),
    }


def ask_all(served: Served, examples: Examples, products: ProductTable) -> tuple[np.ndarray, Soundness]:
    """Product indices int [Q, K] (-1 for an empty place), and how sound they are."""
    index = {name.encode(): i for i, name in enumerate(products.ids)} | {b"": -1}
    answers, found = np.full((len(examples), served.top_k), -1, np.int64), Soundness()
    for chosen, out in in_batches(served, examples):
        answers[chosen] = [[index[name] for name in row] for row in out["product"].tolist()]
        found += soundness_of(answers[chosen], out["score"])
    return answers, found


def in_batches(served: Served, examples: Examples, new: bool = False) -> Iterator[tuple[np.ndarray, dict[str, np.ndarray]]]:
    """Households of about the same history, int [B], and what they are answered; `new`: when asked for new products alone."""
    order = np.argsort(examples.history_product.lengths, kind="stable")
    for start in range(0, len(order), BATCH):
        chosen = order[start : start + BATCH]
        yield chosen, served.ask(**examples.inputs(chosen) | {"exclude_bought": np.full(len(chosen), new)})


def soundness_of(answers: np.ndarray, scores: np.ndarray) -> Soundness:
    """Of answers int [B, K] and their scores."""
    several = (answers >= 0).sum(axis=1) > 1
    return Soundness(int(broken(answers, scores).sum()), int((several & (scores.max(axis=1) == scores.min(axis=1))).sum()))


def broken(answers: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """bool [B]: answers with nothing in them, a score that is no number, a wrong order or a product twice."""
    empty = answers[:, 0] < 0
    twice = np.array([len(set(row[row >= 0].tolist())) < (row >= 0).sum() for row in answers], bool)
    return empty | twice | ~np.isfinite(scores).all(axis=1) | (np.diff(scores, axis=1) > 0).any(axis=1)


def _measure(weeks: list[GateWeek], ask: Callable[[GateWeek], np.ndarray]) -> Measured:
    parts, shown = [], []
    for week in weeks:
        answers = ask(week)
        relevant = week.relevant
        parts.append(metrics.by_query(metrics.hits(answers, relevant), np.array([len(r) for r in relevant], np.int64)))
        shown.append(answers)
    universe = int(weeks[-1].products.universe.sum()) if weeks else 0
    values = {name: np.concatenate([part[name] for part in parts] or [np.zeros(0)]) for name in metrics.NAMES}
    return Measured(values, metrics.coverage(shown, universe))
