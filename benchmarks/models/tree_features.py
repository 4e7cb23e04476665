"""Hand-made features of (household, product) for the tree ranker, from weeks before the one that is asked for.

Candidates of a household: its past (task `all` only), the 300 best by EASE, the 300 best by neighbours, the 200 most bought of
four weeks. Missing values stay NaN: trees read them as they are.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import scipy.sparse as sp

from benchmarks.models.ease import Solved, solve
from benchmarks.models.households_alike import mixed_by_cosine
from benchmarks.models.protocol import Fold, data_file
from benchmarks.models.rival import common

STORES, PENALTY, TAU, STORE_WEEKS, ALIKE = 112, 400.0, 26.0, 12, 100
GROUPS = {"type": "product_type", "category": "product_category", "maker": "manufacturer_id"}


@dataclass(frozen=True)
class Pairs:
    """Candidates: `row` (place among the households asked) and `product`, int [n]; features float32 [n, F]."""

    row: np.ndarray
    product: np.ndarray
    features: np.ndarray


class Features:
    """Features over one fold; EASE is solved on weeks up to `related_to`."""

    def __init__(self, cut: Fold, task: str, plan: bool, related_to: int, many: int = 300) -> None:
        """`many`: candidates by each of two scores, and by sales."""
        self.cut, self.task, self.plan, self.many = cut, task, plan, many
        self.solved: Solved = common(cut, ("ease", PENALTY, related_to), lambda: solve(cut.purchases, related_to + 1, PENALTY))
        texts = cut.panel.texts.take(pa.array(cut.universe))
        self.groups = {name: _codes(texts[column]) for name, column in GROUPS.items()}
        self.private = pc.equal(texts["brand"], "Private").fill_null(False).to_numpy().astype(np.float32)
        place = np.full(len(cut.panel.product_ids), -1)
        place[cut.universe] = np.arange(cut.products)
        self.line_product = place[cut.panel.product]
        self.promotions = common(cut, "promotions", lambda: read_plan(cut)) if plan else None

    def names(self) -> list[str]:
        return self._names

    def pairs(self, week: int, households: np.ndarray) -> Pairs:
        purchases = self.cut.purchases
        past = purchases.matrix(week)
        related = self.solved.related(purchases.matrix(week, tau=TAU)[households])
        related += purchases.matrix(week, tau=TAU)[households].toarray()
        alike = mixed_by_cosine(purchases.matrix(week, tau=8.0), households, ALIKE, 0.0)
        row, product = self._candidates(week, past[households].tocsr(), related, alike)
        columns = {"ease": related[row, product], "neighbours": alike[row, product]}
        columns |= self._pair(week, households, row, product) | self._household(week, households, row)
        columns |= self._product(week, product) | self._kin(week, households, row, product)
        if self.plan:
            columns |= self._planned(week, households, row, product)
        self._names = list(columns)
        return Pairs(row, product, np.stack([np.asarray(c, np.float32) for c in columns.values()], axis=1))

    def _candidates(
        self, week: int, past: sp.csr_matrix, related: np.ndarray, alike: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        chosen = np.zeros(related.shape, bool)
        if self.task == "new":
            related, alike = related.copy(), alike.copy()
            related[past.nonzero()] = alike[past.nonzero()] = -np.inf
        for scores in (related, alike):
            np.put_along_axis(chosen, np.argpartition(-scores, self.many, axis=1)[:, : self.many], True, axis=1)
        chosen[:, np.argsort(-self.cut.purchases.buyers(week, last=4), kind="stable")[: self.many * 2 // 3]] = True
        chosen[past.nonzero()] = self.task == "all"
        return np.nonzero(chosen)

    def _pair(self, week: int, households: np.ndarray, row: np.ndarray, product: np.ndarray) -> dict[str, np.ndarray]:
        purchases, size = self.cut.purchases, self.cut.products
        mine = purchases.week < week
        key = purchases.household[mine] * size + purchases.product[mine]
        order = np.argsort(key, kind="stable")
        key, age = key[order], (week - 1 - purchases.week[mine][order]).astype(float)
        start = np.flatnonzero(np.diff(key, prepend=-1))
        count = np.diff(np.append(start, len(key)))
        first, last = np.maximum.reduceat(age, start), np.minimum.reduceat(age, start)
        with np.errstate(divide="ignore", invalid="ignore"):
            gap = np.where(count > 1, (first - last) / (count - 1), np.nan)
        values = {"count": count, "last": last, "first": first, "gap": gap, "overdue": last / (gap + 0.5)}
        values |= {f"recency_{t}": np.add.reduceat(np.exp(-age / t), start) for t in (2, 6, 20)}
        values |= {f"count_{n}": np.add.reduceat((age < n).astype(float), start) for n in (4, 12)}
        return _looked_up(values, key[start], households[row] * size + product)

    def _household(self, week: int, households: np.ndarray, row: np.ndarray) -> dict[str, np.ndarray]:
        purchases, users = self.cut.purchases, self.cut.purchases.shape[0]
        mine = purchases.week < week
        owner, when = purchases.household[mine], purchases.week[mine]
        visits = np.unique(np.stack([owner, when], axis=1), axis=0)
        weeks = np.bincount(visits[:, 0], minlength=users)
        values = {
            "products_known": np.diff(purchases.matrix(week).indptr),
            "weeks": weeks,
            "weeks_4": np.bincount(visits[visits[:, 1] >= week - 4, 0], minlength=users),
            "products_a_week": np.bincount(owner, minlength=users) / np.maximum(weeks, 1),
        }
        return {name: value[households][row] for name, value in values.items()}

    def _product(self, week: int, product: np.ndarray) -> dict[str, np.ndarray]:
        purchases, panel = self.cut.purchases, self.cut.panel
        buyers = {n: purchases.buyers(week, last=n) for n in (1, 4, 12)}
        ever, known = purchases.buyers(week), np.diff((purchases.matrix(week)).tocsc().indptr)
        lines = np.flatnonzero((panel.week < week) & (self.line_product >= 0))
        usual, latest = _prices(self.line_product[lines], panel.week[lines], panel.price[lines], self.cut.products)
        values = {f"buyers_{n}": value for n, value in buyers.items()} | {"buyers": ever, "households": known}
        values |= {"trend": buyers[4] / (buyers[12] / 3 + 1), "repeats": ever / np.maximum(known, 1)}
        values |= {"price": usual, "latest_price": latest, "private": self.private}
        return {name: value[product] for name, value in values.items()}

    def _kin(self, week: int, households: np.ndarray, row: np.ndarray, product: np.ndarray) -> dict[str, np.ndarray]:
        """How much the household buys of the product's type, category and maker."""
        purchases, out = self.cut.purchases, dict[str, np.ndarray]()
        faded = purchases.matrix(week, tau=8.0)[households]
        for name, code in self.groups.items():
            members = sp.csr_matrix((np.ones(len(code), np.float32), (np.arange(len(code)), code)))
            out[f"{name}_recency"] = (faded @ members).toarray()[row, code[product]]
        kind, sold = self.groups["type"], purchases.buyers(week, last=12)
        out["share_in_type"] = sold[product] / (np.bincount(kind, sold)[kind[product]] + 1)
        last = np.full((purchases.shape[0], kind.max() + 1), np.nan, np.float32)
        mine = np.flatnonzero(purchases.week < week)
        mine = mine[np.argsort(purchases.week[mine], kind="stable")]
        last[purchases.household[mine], kind[purchases.product[mine]]] = week - 1 - purchases.week[mine]
        out["type_last"] = last[households[row], kind[product]]
        return out

    def _planned(self, week: int, households: np.ndarray, row: np.ndarray, product: np.ndarray) -> dict[str, np.ndarray]:
        """Where the product is shown in the coming week: in all stores, and in the household's most used one."""
        panel = self.cut.panel
        recent = (panel.week < week) & (panel.week >= week - STORE_WEEKS)
        stores, code = np.unique(panel.store[recent], return_inverse=True)
        used = np.zeros((len(panel.household_ids), len(stores)), np.int32)
        np.add.at(used, (panel.household[recent], code), 1)
        home = len(stores) - 1 - used[:, ::-1].argmax(axis=1)
        home = np.where(used.max(axis=1) > 0, stores[home], -1)[households]
        plan = self.promotions.filter(pc.equal(self.promotions["week"], week))
        item, store = plan["item"].to_numpy(), plan["store"].to_numpy()
        keys = [np.unique(item * 100_000 + store), home[row] * 1 + product * 100_000]
        place = np.searchsorted(keys[0], keys[1]).clip(max=max(len(keys[0]) - 1, 0))
        here, first = keys[0][place] == keys[1], np.unique(item * 100_000 + store, return_index=True)[1]
        out = {}
        for kind in ("display", "mailer"):
            shown = plan[kind].to_numpy()
            out[f"{kind}_share"] = (np.bincount(item[first], shown[first], minlength=self.cut.products) / STORES)[product]
            out[f"own_{kind}"] = np.where(here, shown[first][place], np.nan)
        return out


def labels(cut: Fold, week: int, households: np.ndarray, pairs: Pairs) -> np.ndarray:
    """1 where the household bought the product in the week."""
    purchases = cut.purchases
    now = purchases.week == week
    bought = purchases.household[now] * cut.products + purchases.product[now]
    return np.isin(households[pairs.row] * cut.products + pairs.product, bought).astype(np.float32)


def read_plan(cut: Fold) -> pa.Table:
    """week, item (place in the universe), store, display and mailer as 0 or 1."""
    columns = ["product_id", "store_id", "week", "display_location", "mailer_location"]
    wanted = [("week", ">=", 36)]
    rows = pq.read_table(data_file("promotions"), columns=columns, filters=wanted)
    ids = cut.panel.product_ids[cut.universe]
    rows = rows.filter(pc.is_in(rows["product_id"], pa.array(ids)))
    shown = {kind: pc.not_equal(rows[f"{kind}_location"], "0").to_numpy().astype(np.float32) for kind in ("display", "mailer")}
    item = np.searchsorted(ids, rows["product_id"].to_numpy())
    return pa.table({"week": rows["week"], "item": item, "store": rows["store_id"].to_numpy().astype(np.int64), **shown})


def _codes(column: pa.ChunkedArray) -> np.ndarray:
    names = np.array(["" if one is None else str(one) for one in column.to_pylist()])
    return np.unique(names, return_inverse=True)[1]


def _looked_up(values: dict[str, np.ndarray], known: np.ndarray, asked: np.ndarray) -> dict[str, np.ndarray]:
    place = np.searchsorted(known, asked).clip(max=len(known) - 1)
    there = known[place] == asked
    return {name: np.where(there, value[place], np.nan) for name, value in values.items()}


def _prices(product: np.ndarray, week: np.ndarray, price: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Median price, and the one of the latest line; NaN where nothing was sold."""
    usual, latest = np.full(size, np.nan), np.full(size, np.nan)
    by_week = np.argsort(week, kind="stable")
    latest[product[by_week]] = price[by_week]
    order = np.lexsort((price, product))
    product, price = product[order], price[order]
    start = np.flatnonzero(np.diff(product, prepend=-1))
    count = np.diff(np.append(start, len(product)))
    usual[product[start]] = (price[start + (count - 1) // 2] + price[start + count // 2]) / 2
    return usual, latest
