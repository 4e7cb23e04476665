"""Assembling reads each night as it was, and keeps what it wrote."""

import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from include.errors import Refused
from include.training.assemble import assemble
from include.training.windows import WEEK, windows
from include.training.workspace import Workspace
from tests import toy_models
from tests.toy_shop import FIRST, NIGHT, RECIPE, ToyHistory

CUT = windows(NIGHT, FIRST, RECIPE.train_weeks, RECIPE.gate_weeks)


class Sabotaged(ToyHistory):
    """The same shop up to a day; after it everybody buys product 59, and nothing else."""

    def __init__(self, since: dt.date) -> None:
        super().__init__()
        late = self.events[:, 2] >= (since - FIRST).days
        self.events[late, 1] = 59
        self.events = np.unique(self.events, axis=0)


def written(history: ToyHistory, root: Path) -> Workspace:
    work = Workspace(root)
    assemble(history, toy_models.TWO_STAGE, CUT, FIRST, work)
    return work


def test_training_files_know_nothing_after_the_first_gate_night(tmp_path: Path) -> None:
    honest, late = toy_models.workspace()[0], written(Sabotaged(CUT.gate[0] + dt.timedelta(days=1)), tmp_path)
    for night in CUT.train:
        for kind in ("examples", "products"):
            name = f"{kind}/{night}.parquet"
            assert (honest.root / name).read_bytes() == (late.root / name).read_bytes()
    gate = f"examples/{CUT.gate[0]}.parquet"
    assert (honest.root / gate).read_bytes() != (late.root / gate).read_bytes()


@pytest.mark.parametrize("night", CUT.gate)
def test_a_gate_question_knows_nothing_after_its_night(tmp_path: Path, night: dt.date) -> None:
    honest, late = toy_models.workspace()[0], written(Sabotaged(night + dt.timedelta(days=1)), tmp_path)
    products = f"products/{night}.parquet"
    assert (honest.root / products).read_bytes() == (late.root / products).read_bytes()
    before, after = honest.examples(night), late.examples(night)
    assert before.household == after.household
    assert (before.history_product.values == after.history_product.values).all()
    assert (before.history_features == after.history_features).all()
    assert set(after.bought.values.tolist()) == {59}


def test_labels_are_the_universe_products_of_the_seven_days_after() -> None:
    history, work = ToyHistory(), toy_models.workspace()[0]
    for night in CUT.nights[:-1]:
        bought = history.bought(night + dt.timedelta(days=1), night + WEEK)
        universe = work.products(night).universe
        examples = work.examples(night)
        assert examples.household == sorted(examples.household)
        for i, household in enumerate(examples.household):
            assert examples.bought.row(i).tolist() == sorted(p for p in bought[household] if universe[p])


def test_weeks_hold_every_purchase_once_by_week() -> None:
    purchases, names = toy_models.workspace()[0].weeks()
    bought = ToyHistory().bought(NIGHT - dt.timedelta(days=13), NIGHT - WEEK)
    chosen = purchases.week == -1
    pairs = zip(purchases.household[chosen].tolist(), purchases.product[chosen].tolist(), strict=True)
    assert {(names[h], p) for h, p in pairs} == {(h, p) for h, products in bought.items() for p in products}
    assert purchases.week.max() == 0


def test_the_same_history_gives_the_same_bytes(tmp_path: Path) -> None:
    again, first = written(ToyHistory(), tmp_path), toy_models.workspace()[0]
    for path in tmp_path.rglob("*.parquet"):
        assert path.read_bytes() == (first.root / path.relative_to(again.root)).read_bytes()


def test_a_missing_hand_over_names_the_step_that_writes_it(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="Run assemble_examples"):
        Workspace(tmp_path).read_json("assembled.json", "assemble_examples")
    with pytest.raises(Refused, match="Run assemble_examples"):
        Workspace(tmp_path).examples(NIGHT)
    with pytest.raises(Refused, match="Run assemble_examples"):
        Workspace(tmp_path).products(NIGHT)
