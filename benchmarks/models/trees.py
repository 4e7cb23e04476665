"""LightGBM (LambdaMART) over hand-made features, with and without the promotion plan; one model a task.

The number of trees comes from the validation weeks 45 and 47 with training weeks 41 to 44; then it is trained again on weeks
44 to 47. EASE among the features is solved on weeks before those that are trained on.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.models.protocol import CUT_OFF, NEVER, VALID, Fold, Scorer, queries
from benchmarks.models.rival import Rival
from benchmarks.models.tree_features import Features, labels
from include.evaluation.purchases import Purchases

if TYPE_CHECKING:
    import lightgbm

SEED = 20261121
SETTINGS = {
    "objective": "lambdarank", "learning_rate": 0.06, "num_leaves": 63, "min_data_in_leaf": 100, "num_threads": 2,
    "lambdarank_truncation_level": 30, "verbosity": -1, "feature_fraction": 0.7, "bagging_fraction": 0.8, "bagging_freq": 1,
    "seed": SEED, "eval_at": [10], "metric": "ndcg", "max_bin": 127,
}  # fmt: skip
NEGATIVES, MOST_TREES, PATIENCE, LEAST = 0.25, 500, 40, 20
TRAIN_WEEKS = 4
_COUNTS: dict[str, int] = {}
"""Trees by name of a rival, as the validation weeks chose."""

Block = tuple[np.ndarray, np.ndarray, np.ndarray]


def block(features: Features, weeks: tuple[int, ...], share: float) -> Block:
    """Features, labels and group sizes of the weeks' queries; `share` of the pairs that were not bought are kept."""
    rng, parts = np.random.default_rng(SEED), []
    for week in weeks:
        households = queries(features.cut, week)
        pairs = features.pairs(week, households)
        bought = labels(features.cut, week, households, pairs)
        some = np.bincount(pairs.row, bought, minlength=len(households)) > 0
        keep = ((bought > 0) | (rng.random(len(bought)) < share)) & some[pairs.row]
        sizes = np.bincount(pairs.row[keep], minlength=len(households))
        parts.append((pairs.features[keep], bought[keep], sizes[sizes > 0]))
    values, bought, sizes = (np.concatenate(column) for column in zip(*parts, strict=True))
    return values, bought, sizes


def trees(cut: Fold, task: str, plan: bool) -> Scorer:
    """Train on the last weeks before the cut-off: for the validation weeks as many trees as they ask for, and so many again."""
    related_to = cut.cut_off - TRAIN_WEEKS
    weeks = tuple(range(related_to + 1, cut.cut_off + 1))
    features = Features(cut, task, plan, cut.cut_off)
    booster = grown(
        cut,
        f"{task} {plan}",
        block(Features(cut, task, plan, related_to), weeks, NEGATIVES),
        lambda: block(features, (VALID[0], VALID[-1]), 1.0),
    )

    def score(purchases: Purchases, week: int, households: np.ndarray) -> np.ndarray:
        pairs = features.pairs(week, households)
        scores = np.full((len(households), cut.products), NEVER, np.float32)
        scores[pairs.row, pairs.product] = booster.predict(pairs.features, num_threads=2)
        return scores

    return score


def grown(cut: Fold, name: str, data: Block, held: Callable[[], Block]) -> "lightgbm.Booster":
    """Trees over a block; as many as the block `held` of validation weeks asks for, and for the test weeks so many again."""
    import lightgbm

    given = lightgbm.Dataset(data[0], data[1], group=data[2])
    if cut.cut_off != CUT_OFF[VALID]:
        return lightgbm.train(SETTINGS, given, _COUNTS[name])
    values, bought, sizes = held()
    weeks = [lightgbm.Dataset(values, bought, group=sizes)]
    stop = [lightgbm.early_stopping(PATIENCE, verbose=False)]
    booster = lightgbm.train(SETTINGS, given, MOST_TREES, valid_sets=weeks, callbacks=stop)
    _COUNTS[name] = max(booster.best_iteration, LEAST)
    print(f"#   {name}: {_COUNTS[name]} trees over {len(data[0])} pairs", flush=True)
    return booster


def _rival(task: str, plan: bool, script: float) -> Rival:
    about = "trees over hand-made features" + (" and the promotion plan" if plan else "")
    make: Callable[..., Scorer] = partial(trees, task=task, plan=plan)
    name = f"LightGBM{' + plan' if plan else ''} ({task})"
    return Rival(
        name, "trees", about, make, script={task: script} if script else {}, noise=0.03, tasks=(task,), plan=plan, tuned=True
    )


RIVALS = (
    _rival("all", False, 0.2865),
    _rival("all", True, 0.2901),
    _rival("new", False, 0.0),
    _rival("new", True, 0.0303),
)
