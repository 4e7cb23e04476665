"""Metrics of judged answers with intervals: by night and model, of the model that serves, by slice.

Every difference is paired: two rankers answered the same household on the same night. The unit of an interval is the
household.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from include.evaluation import intervals
from include.evaluation.joins import REFERENCE, RIVALS
from include.evaluation.judged import by_answer, queries
from include.evaluation.metrics import TYPE_AT_1, coverage
from include.features.queries import VARIANTS

METRICS = ("ndcg@10", "recall@20", "hit_rate@10")
DRAWS = 400
MIN_HOUSEHOLDS = 300
"""A figure over fewer household-nights is not judged: it blocks nothing and raises no alarm."""
SLICES = (
    ("up to 50 products known", 0, 50),
    ("51 to 200 products known", 51, 200),
    ("201 to 500 products known", 201, 500),
    ("more than 500 products known", 501, 10**9),
)


class Judged:
    """Judged answers with their metrics; rows of several models side by side."""

    def __init__(self, table: pa.Table, universe: Mapping[str, int]) -> None:
        self.table = table
        self.universe = universe
        self.values = by_answer(table) if len(table) else {name: np.zeros(0) for name in METRICS}
        self.model = np.array(table["model"].to_pylist(), object)
        self.arm = np.array(table["arm"].to_pylist(), object)
        self.night = np.array([night.isoformat() for night in table["night"].to_pylist()], object)
        self.household = np.array(table["household"].to_pylist(), object)
        self.known = table["known"].to_numpy()
        self.query = np.array(queries(table), object)
        self.asked = "variant" in table.column_names
        self.variant = np.array(table["variant"].to_pylist() if self.asked else [""] * len(table), object)
        self.metrics = (*METRICS, TYPE_AT_1) if self.asked and len(table) else METRICS

    def rows(self, model: str, night: str = "") -> np.ndarray:
        """int [n]: rows of one model, of one night or of all."""
        chosen = self.model == model
        return np.flatnonzero(chosen & (self.night == night) if night else chosen)

    def nights(self) -> list[str]:
        return sorted(set(self.night.tolist()))

    def models(self, night: str = "") -> list[str]:
        """Models that answered, without the rivals."""
        chosen = (self.arm != REFERENCE) & ((self.night == night) if night else True)
        return sorted(set(self.model[chosen].tolist()))

    def stable(self, night: str) -> str:
        """The model that gave most of a night's stable answers; empty when none did."""
        names, counts = np.unique(self.model[(self.night == night) & (self.arm == "stable")].astype(str), return_counts=True)
        return str(names[counts.argmax()]) if len(names) else ""

    def pairs(self, rows: np.ndarray, rival: str) -> tuple[np.ndarray, np.ndarray]:
        """Those of `rows` that the rival answered too, and the rival's rows beside them."""
        there = {self._question(i): i for i in self.rows(rival)}
        mine = [i for i in rows.tolist() if self._question(i) in there]
        return np.array(mine, int), np.array([there[self._question(i)] for i in mine], int)

    def _question(self, i: int) -> tuple[str, str, str]:
        return self.night[i], self.household[i], self.query[i]

    def figures(self, rows: np.ndarray) -> dict[str, Any]:
        """Metrics of some rows of one ranker: {"answers", "households", "ndcg@10": {"value", "low", "high"}, ...}."""
        found: dict[str, Any] = {"answers": len(rows), "households": len(set(self.household[rows].tolist()))}
        for name in self.metrics:
            found[name] = (
                intervals.mean(self.household[rows], self.values[name][rows], draws=DRAWS).rounded() if len(rows) else None
            )
        found["coverage"] = self._coverage(rows)
        found["judged"] = len(rows) >= MIN_HOUSEHOLDS
        return found

    def difference(self, rows: np.ndarray, rival: str) -> dict[str, Any] | None:
        """Paired difference in NDCG@10 and the relative change against a rival; None without a common answer."""
        mine, theirs = self.pairs(rows, rival)
        if not len(mine):
            return None
        ours, other = self.values["ndcg@10"][mine], self.values["ndcg@10"][theirs]
        found = intervals.paired_difference(self.household[mine], ours, other, draws=DRAWS).rounded()
        relative = float(ours.sum() / other.sum() - 1) if other.sum() > 0 else None
        return found | {"relative": None if relative is None else round(relative, 5), "answers": len(mine)}

    def _coverage(self, rows: np.ndarray) -> float | None:
        if not len(rows):
            return None
        size = max((self.universe.get(night, 0) for night in set(self.night[rows].tolist())), default=0)
        shown = self.table["products"].take(pa.array(rows))
        first = pc.list_slice(shown.combine_chunks(), 0, 10)
        names = pc.unique(pc.list_flatten(first)).to_pylist()
        block = np.arange(len(names)).reshape(-1, 1)
        return round(coverage([block], size), 5)


def by_night(judged: Judged) -> list[dict[str, Any]]:
    """One entry a night: {"night", "stable", "rankers": {name: figures + "arms"}}; rivals stand beside the models."""
    entries = []
    for night in judged.nights():
        rankers = {}
        for name in [*judged.models(night), *RIVALS]:
            rows = judged.rows(name, night)
            rankers[name] = judged.figures(rows) | {"arms": sorted(set(judged.arm[rows].tolist()))}
        entries.append({"night": night, "stable": judged.stable(night), "rankers": rankers})
    return entries


def serving(judged: Judged) -> dict[str, Any] | None:
    """The model that answered as stable on the latest judged night: pooled figures, rivals, differences, slices."""
    latest = next((night for night in reversed(judged.nights()) if judged.stable(night)), "")
    if not latest:
        return None
    model = judged.stable(latest)
    rows = judged.rows(model)
    return {
        "model": model,
        "nights": sorted(set(judged.night[rows].tolist())),
        "figures": judged.figures(rows),
        "rivals": {name: judged.figures(judged.pairs(rows, name)[1]) for name in RIVALS},
        "against": {name: judged.difference(rows, name) for name in RIVALS},
        "slices": [_slice(judged, rows, *one) for one in SLICES],
        **({"variants": [_variant(judged, rows, name) for name in VARIANTS]} if judged.asked else {}),
    }


def _variant(judged: Judged, rows: np.ndarray, name: str) -> dict[str, Any]:
    """One way to ask: figures, and the lead over habit within the type."""
    inside = rows[judged.variant[rows] == name]
    return {"name": name, "against": judged.difference(inside, "recency")} | judged.figures(inside)


def _slice(judged: Judged, rows: np.ndarray, name: str, low: int, high: int) -> dict[str, Any]:
    inside = rows[(judged.known[rows] >= low) & (judged.known[rows] <= high)]
    if len(inside) < MIN_HOUSEHOLDS:
        return {"name": name, "answers": len(inside), "judged": False}
    return {"name": name, "judged": True, "against": judged.difference(inside, "popularity")} | judged.figures(inside)
