"""LightGBM over what the second stage of `two_stage` reads: the same candidates, features, weeks and plan.

A lead over this row is not one of features. The trees are those of trees.py, with the number that the validation weeks choose;
task `all` ranks slots and shortlist, task `new` the shortlist alone. A column that one of them lacks is missing there.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.models.ours import BATCH, Asked, assembled_for, recipe_of, trained
from benchmarks.models.protocol import NEVER, VALID, Fold, Scorer, queries
from benchmarks.models.rival import Rival
from benchmarks.models.trees import NEGATIVES, SEED, Block, grown
from include.evaluation.purchases import Purchases

if TYPE_CHECKING:
    from include.models.model import Model
    from include.models.served_two_stage import ServedTwoStage


class Reading:
    """What a served model's networks would read of each batch, as rows."""

    def __init__(self, served: "ServedTwoStage", task: str) -> None:
        import tensorflow as tf

        from include.models import two_stage_scoring

        names = ("history_product", "history_features", "household_features", "exclude_bought")
        self.task = task
        self.pairs = tf.function(
            lambda batch: two_stage_scoring.pairs(
                *served.both(), served.columns, served.shortlist, *(batch[name] for name in names)
            ),
            reduce_retracing=True,
        )
        self.hot = served.hot.numpy()

    def rows(self, batch: dict[str, Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray, Any]:
        """Place in the batch int [n], table row int [n] and features float32 [n, F] of all candidates; and the Pairs."""
        found = self.pairs(batch)
        slot, of_slot, of_short = (part.numpy() for part in (found.slot, found.of_slot, found.of_short))
        household, open_ = found.household.numpy(), found.short_open.numpy()
        owner, place = np.nonzero(open_)
        products = self.hot[found.place.numpy()[owner, place]]
        values = np.full((len(owner), of_slot.shape[1]), np.nan, np.float32)
        values[:, -of_short.shape[2] :] = of_short[owner, place]
        if self.task == "all":
            owner, values = np.concatenate([slot[:, 0], owner]), np.concatenate([of_slot, values])
            products = np.concatenate([found.history.numpy()[slot[:, 0], slot[:, 1]], products])
        return owner, products, np.concatenate([values, household[owner]], axis=1), found

    def labels(self, found: Any, batch: dict[str, Any]) -> np.ndarray:
        """float32 [n] of `rows`, from the labels of a batch of training."""
        owner, place = np.nonzero(found.short_open.numpy())
        short = batch["hot_label"].numpy()[owner, found.place.numpy()[owner, place]]
        slot = found.slot.numpy()
        return np.concatenate([batch["slot_label"].numpy()[slot[:, 0], slot[:, 1]], short]) if self.task == "all" else short


def same(cut: Fold, task: str) -> Scorer:
    """Trees on the weeks that the recipe is trained on."""
    model = trained(recipe_of("two_stage"), cut.cut_off)
    asked: dict[int, Asked] = {}

    def at(week: int) -> Asked:
        if week not in asked:
            asked.clear()
            asked[week] = Asked(model, cut, week)
        return asked[week]

    booster = grown(
        cut, f"{task}, same features", block_of(_training(model, cut, task)), lambda: block_of(_held(cut, task, at))
    )

    def score(purchases: Purchases, week: int, households: np.ndarray) -> np.ndarray:
        one, scores = at(week), np.full((len(households), cut.products), NEVER, np.float32)
        for owner, product, values in _candidates(one, task, cut.panel.household_ids[households].astype(str).tolist()):
            scores[owner, product] = booster.predict(values, num_threads=2)
        return scores

    return score


def _candidates(one: Asked, task: str, names: list[str]) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """By batch: place among the households asked, product of the protocol's universe, features."""
    reading = Reading(one.served, task)
    place = np.array([one.place[name] for name in one.served.ids.numpy()])
    for start, batch in one.batches(names):
        owner, row, values, _ = reading.rows(batch)
        yield start + owner, place[row], values


def _training(model: "Model", cut: Fold, task: str) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """By batch: owner, features and labels of a share of the pairs that were not bought."""
    import tensorflow as tf

    from include.models.build import serve
    from include.training.batches import Night

    given, rng = assembled_for(model.recipe, cut.cut_off), np.random.default_rng(SEED)
    for one in given.nights:
        table = given.work.products(one)
        night, reading = Night(given.work.examples(one), model.tables(table)), Reading(serve(model, table), task)  # type: ignore[arg-type]
        for start in range(0, len(night.usable), BATCH):
            batch = {name: tf.constant(value) for name, value in night.batch(night.usable[start : start + BATCH]).items()}
            owner, _, values, found = reading.rows(batch)
            bought = reading.labels(found, batch)
            keep = (bought > 0) | (rng.random(len(bought)) < NEGATIVES)
            yield owner[keep], values[keep], bought[keep]


def _held(cut: Fold, task: str, at: Callable[[int], Asked]) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    purchases = cut.purchases
    for week in (VALID[0], VALID[-1]):
        households, now = queries(cut, week), purchases.week == week
        bought = np.unique(purchases.household[now] * cut.products + purchases.product[now])
        for owner, product, values in _candidates(at(week), task, cut.panel.household_ids[households].astype(str).tolist()):
            yield owner, values, np.isin(households[owner] * cut.products + product, bought).astype(np.float32)


def block_of(parts: Iterable[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> Block:
    """Pairs side by side by household, those of households without a purchase left out."""
    blocks: list[Sequence[np.ndarray]] = []
    for owner, values, bought in parts:
        order = np.argsort(owner, kind="stable")
        owner, values, bought = owner[order], values[order], bought[order]
        some = np.isin(owner, owner[bought > 0])
        blocks.append((values[some], bought[some], np.unique(owner[some], return_counts=True)[1]))
    values, bought, sizes = (np.concatenate(column) for column in zip(*blocks, strict=True))
    return values, bought, sizes


def _rival(task: str) -> Rival:
    name, about = f"LightGBM on our features ({task})", "trees over the candidates and features of two_stage"
    return Rival(name, "trees", about, partial(same, task=task), tasks=(task,), plan=True, tuned=True)


RIVALS = (_rival("all"), _rival("new"))
