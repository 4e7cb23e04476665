"""What bench_models leaves out of our model, and what it shows to trees, is what it says."""

import numpy as np
import tensorflow as tf

from benchmarks.models.ours import unplanned
from benchmarks.models.parts import WHOLE, Part
from benchmarks.models.same_features import Reading
from include import recipes
from include.models.build import serve
from include.training import fit_two_stage
from include.training.batches import Night
from tests import toy_models


def test_without_the_plan_no_column_tells_of_the_coming_week() -> None:
    columns = unplanned(recipes.get("home", "two_stage").columns).product
    assert not {"display_share", "mailer_share", "end_cap_share", "front_page_share", "mailer_coupon_share"} & set(columns)
    assert "display_share_before" in columns


def test_a_part_is_left_out_of_questions_and_products_alike() -> None:
    work, cut = toy_models.workspace()
    table, examples = work.products(cut.train[0]), work.examples(cut.train[0])
    part = Part("some", frozenset(("days_total", "buyers_7")), factors=True, texts=True)
    bare, asked = part.table(table, toy_models.TWO_STAGE), part.examples(examples, toy_models.TWO_STAGE).part(0)
    place, sold = toy_models.COLUMNS.history.index("days_total"), toy_models.COLUMNS.product.index("buyers_7")
    assert not asked.history_features[:, place].any() and examples.history_features[:, place].any()
    assert not bare.features[:, sold].any() and bare.factors is not None and not bare.factors.any()
    assert set(bare.types) == set(bare.categories) == {""}
    assert (WHOLE.table(table, toy_models.TWO_STAGE).features == table.features).all()


def test_without_its_own_head_new_products_are_ordered_as_beside_the_others() -> None:
    arrays = toy_models.two_stage().arrays
    left = Part("head", alone=True).weights(arrays)
    assert all((left[name] == arrays[name][..., :1]).all() for name in ("hot_out", "hot_skip", "hot_offset"))
    assert (arrays["hot_out"][:, 0] != arrays["hot_out"][:, 1]).any() and left["hot_kernel"] is arrays["hot_kernel"]


def test_constants_of_training_come_back() -> None:
    before = fit_two_stage.NEW
    with Part("loss", fit={"NEW": 0.0}).constants():
        assert fit_two_stage.NEW == 0.0
    assert before == fit_two_stage.NEW != 0.0


def test_trees_read_every_open_candidate_with_its_label() -> None:
    work, cut = toy_models.workspace()
    model, table = toy_models.two_stage(), work.products(cut.train[0])
    night = Night(work.examples(cut.train[0]), model.tables(table))
    batch = {name: tf.constant(value) for name, value in night.batch(night.usable[:7]).items()}
    for task in ("all", "new"):
        reading = Reading(serve(model, table), task)  # type: ignore[arg-type]
        owner, row, values, found = reading.rows(batch)
        bought = reading.labels(found, batch)
        assert len(owner) == len(row) == len(values) == len(bought)
        assert (row > 0).all() and set(owner) <= set(range(7))
        slots = int((found.history.numpy() > 0).sum()) if task == "all" else 0
        assert np.isnan(values).any(axis=1).sum() == len(owner) - slots == found.short_open.numpy().sum()
        expected = found.history_open.numpy() * batch["slot_label"].numpy() if task == "all" else np.zeros(1)
        assert bought.sum() >= expected.sum() > (0 if task == "all" else -1)
