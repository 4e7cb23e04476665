"""Ask a model for types on the last matured weeks: as gate_weeks.py, with a synthetic question for each type.

The unit of an interval is the household, as everywhere. `type@1` of an answer: is its first product of the meant type?
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from include.evaluation import intervals, metrics
from include.evaluation.gate_weeks import BATCH, GateWeek, Measured, Soundness, soundness_of
from include.evaluation.metrics import TYPE_AT_1
from include.evaluation.purchases import Purchases
from include.evaluation.within_type import RIVALS, WithinType
from include.features.queries import VARIANTS, ask
from include.models.build import serve
from include.models.model import Model
from include.models.serving import Served
from include.training.query_examples import Asked, Types, asked_of

NAMES = (*metrics.NAMES, TYPE_AT_1)


@dataclass(frozen=True)
class QueryWeek:
    """A gate week's questions: at most `limit` types of each household-week."""

    week: GateWeek
    limit: int

    @cached_property
    def types(self) -> Types:
        return Types(self.week.products)

    @cached_property
    def asked(self) -> list[Asked]:
        return asked_of(self.week.examples, self.types, self.limit, str(self.week.night))

    @property
    def households(self) -> list[str]:
        return [self.week.examples.household[one.household] for one in self.asked]

    def values(self, answers: np.ndarray) -> dict[str, np.ndarray]:
        """Every metric of the answers int [Q, K]."""
        relevant = [set(one.bought) for one in self.asked]
        found = metrics.by_query(
            metrics.hits(answers, relevant).reshape(answers.shape), np.array([len(r) for r in relevant], np.int64)
        )
        first = np.append(self.types.plain, "")[answers[:, 0]] if len(answers) else np.zeros(0, object)
        meant = np.array([one.plain for one in self.asked], object)
        return found | {TYPE_AT_1: (first == meant).astype(float)}


def query_weeks(weeks: Sequence[GateWeek], limit: int) -> list[QueryWeek]:
    return [QueryWeek(week, limit) for week in weeks]


def measure_model(model: Model, weeks: Sequence[QueryWeek], variants: Sequence[str] = ("plain",)) -> dict[str, Measured]:
    """A model rebuilt on each gate night's products, asked in each way."""
    answers: dict[str, list[np.ndarray]] = {name: [] for name in variants}
    soundness, cpu = dict.fromkeys(variants, Soundness()), dict.fromkeys(variants, 0.0)
    for week in weeks:
        served = serve(model, week.week.products)
        for name in variants:
            before = time.process_time()
            found, sound = ask_all(served, week, name)
            answers[name].append(found)
            soundness[name], cpu[name] = soundness[name] + sound, cpu[name] + time.process_time() - before
    return {name: replace(_measured(weeks, answers[name]), soundness=soundness[name], cpu=cpu[name]) for name in variants}


def measure_rivals(weeks: Sequence[QueryWeek], purchases: Purchases, names: list[str]) -> dict[str, Measured]:
    """Popularity and habit within the meant type, on the same questions and the same universe."""
    place = {name: i for i, name in enumerate(names)}
    answers: dict[str, list[np.ndarray]] = {name: [] for name in RIVALS}
    for week in weeks:
        for name, found in within_type(week, purchases, place).items():
            answers[name].append(found)
    return {name: _measured(weeks, answers[name]) for name in RIVALS}


def within_type(week: QueryWeek, purchases: Purchases, place: Mapping[str, int]) -> dict[str, np.ndarray]:
    """Each rival's product indices int [Q, K] of a week's questions; `place` of each household in the purchases."""
    universe = np.zeros(purchases.shape[1], bool)
    universe[: len(week.week.products.universe)] = week.week.products.universe
    index = np.flatnonzero(universe)
    rivals = WithinType(purchases.within(universe), week.week.week + 1, week.types.plain[index])
    asked = [(place[name], one.plain) for name, one in zip(week.households, week.asked, strict=True)]
    return {name: np.append(index, -1)[rivals.answers(name, asked)] for name in RIVALS}


def ask_all(served: Served, week: QueryWeek, variant: str) -> tuple[np.ndarray, Soundness]:
    """Product indices int [Q, K] (-1 for an empty place), and how sound they are."""
    products, asked = week.week.products, week.asked
    index = {name.encode(): i for i, name in enumerate(products.ids)} | {b"": -1}
    owner = np.array([one.household for one in asked], np.int64)
    queries = np.array([ask(variant, one.plain, one.category) for one in asked], object)
    order = np.argsort(week.week.examples.history_product.lengths[owner], kind="stable")
    answers, found = np.full((len(asked), served.top_k), -1, np.int64), Soundness()
    for start in range(0, len(order), BATCH):
        chosen = order[start : start + BATCH]
        out = served.ask(**week.week.examples.inputs(owner[chosen]), query=queries[chosen])
        answers[chosen] = [[index[name] for name in row] for row in out["product"].tolist()]
        found += soundness_of(answers[chosen], out["score"])
    return answers, found


def by_variant(
    model: Model, weeks: Sequence[QueryWeek], purchases: Purchases, names: list[str], log: Callable[..., Any]
) -> dict[str, dict[str, Any]]:
    """For every way to ask: metrics with intervals, and the paired difference in NDCG@10 against each rival."""
    asked, rivals = [name for week in weeks for name in week.households], measure_rivals(weeks, purchases, names)
    found = {}
    for name, measured in measure_model(model, weeks, VARIANTS).items():
        values = measured.values
        found[name] = {
            "metrics": measured.means(),
            "wrong": measured.soundness.wrong,
            "ndcg@10": intervals.mean(asked, values["ndcg@10"]).rounded() if asked else None,
            TYPE_AT_1: intervals.mean(asked, values[TYPE_AT_1]).rounded() if asked else None,
            "differences": {
                rival: intervals.paired_difference(asked, values["ndcg@10"], other.values["ndcg@10"]).rounded()
                for rival, other in rivals.items()
                if asked
            },
        }
        log("synthetic queries, %s: NDCG@10 %s, %s %s", name, found[name]["ndcg@10"], TYPE_AT_1, found[name][TYPE_AT_1])
    return found


def _measured(weeks: Sequence[QueryWeek], answers: list[np.ndarray]) -> Measured:
    parts = [week.values(found) for week, found in zip(weeks, answers, strict=True)]
    values = {name: np.concatenate([part[name] for part in parts] or [np.zeros(0)]) for name in NAMES}
    universe = int(weeks[-1].week.products.universe.sum()) if weeks else 0
    return Measured(values, metrics.coverage(answers, universe))
