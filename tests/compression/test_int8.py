"""The int8 contract: taken only when it is smaller, ranks as well and answers as fast."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from include.compression.contract import Measures, choose, record, recorded
from include.compression.int8 import compress
from include.compression.latency import compare, interleaved, ratio
from include.compression.measure import measure
from include.models.int8_rows import quantise, widen
from include.models.product_side import EMBEDDINGS, product_side
from include.recipes.recipe import Gates
from include.store.objects import FolderStore
from tests import toy_models
from tests.toy_shop import NIGHT
from tests.training.test_fit import gate_weeks

FINE = Measures(
    fp32_bytes=1000, int8_bytes=400, ndcg_change=-0.001, latency_ratio=0.99, latency_low=0.97, latency_high=1.02, queries=900
)


def test_a_row_loses_at_most_half_a_step() -> None:
    table = np.random.default_rng(0).normal(0, [[1.0], [100.0], [1e-6]] * 4, (12, 8)).astype(np.float32)
    table[5] = 0
    stored, scale = quantise(table)
    assert (stored.dtype, scale.shape) == (np.int8, (12, 2))
    error = np.abs(widen(stored, scale) - table).reshape(12, 2, 4).max(axis=2)
    assert (error <= scale / 2 * 1.0001).all()
    assert (widen(stored, scale)[5] == 0).all()


def test_the_served_table_is_int8_and_everything_else_is_untouched() -> None:
    plain = toy_models.pair_ranker()
    tables = plain.tables(toy_models.workspace()[0].products(NIGHT))
    wide, small = product_side(plain.arrays, tables), product_side(compress(plain).arrays, tables)
    assert small["embedding"].dtype == np.int8
    assert widen(small["embedding"], small["scale"]) == pytest.approx(wide["embedding"], abs=0.05)
    for name in wide.keys() - {"embedding"}:
        assert (wide[name] == small[name]).all()
    assert not set(EMBEDDINGS) & small.keys()


def test_a_good_int8_model_is_accepted() -> None:
    choice = choose(FINE, Gates())
    assert choice.chosen == "int8"
    assert "40% of the bytes" in choice.reason


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"ndcg_change": -0.0051}, "NDCG@10 changes by -0.510%"),
        ({"latency_high": 1.0501}, "latency is up to 1.050"),
        ({"latency_high": float("nan")}, "latency"),
        ({"int8_bytes": 1000}, "not smaller"),
        ({"ndcg_change": None}, "nobody|no household"),
        ({"queries": 0}, "no household"),
    ],
)
def test_int8_is_refused_with_a_reason(change: dict[str, float | None], reason: str) -> None:
    choice = choose(FINE.model_copy(update=change), Gates())
    assert choice.chosen == "fp32"
    assert any(part in choice.reason for part in reason.split("|"))


def test_a_choice_is_made_once_for_the_same_inputs(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    first, other = choose(FINE, Gates()), choose(FINE.model_copy(update={"latency_high": 2.0}), Gates())
    assert recorded(store, "home", "a" * 64) is None
    assert record(store, "home", "a" * 64, first) == first
    assert record(store, "home", "a" * 64, other) == first
    assert recorded(store, "home", "a" * 64) == first
    assert recorded(store, "home", "b" * 64) is None


def test_a_slower_twin_is_seen_even_when_the_machine_is_uneven() -> None:
    rng = np.random.default_rng(0)
    busy = np.repeat(rng.uniform(1, 3, (150, 2))[:, :, None], 2, axis=2)
    value, low, high = ratio(busy * [1.0, 1.3] * rng.normal(1, 0.02, (150, 2, 2)))
    assert 1.28 < low <= value <= high < 1.32
    _, low, high = ratio(busy * rng.normal(1, 0.02, (150, 2, 2)))
    assert low < 1 < high


def test_both_sides_are_asked_equally_often_and_take_turns() -> None:
    asked: list[str] = []
    sides = [[partial(asked.append, f"{side}{i}") for i in range(2)] for side in "ab"]
    assert interleaved(*sides, rounds=2).shape == (2, 2, 2)
    assert asked == ["a0", "b0", "a1", "b1", "b0", "a0", "b1", "a1"]


def test_asking_ends_at_the_time_limit() -> None:
    rng = np.random.default_rng(0)
    uneven = [lambda: sum(range(int(rng.integers(1, 20_000))))]
    value, low, high = compare(uneven, uneven, rounds=20, limit=0.0)
    assert low <= value <= high


def test_real_bundles_are_measured() -> None:
    work, _ = toy_models.workspace()
    found = measure(toy_models.bundle("pair_ranker"), toy_models.bundle("int8"), gate_weeks(), work.questions(), limit=0.0)
    assert found.int8_bytes != found.fp32_bytes
    assert abs(found.ndcg_change or 0) < 0.05
    assert found.queries == sum(len(week.examples) for week in gate_weeks())
    assert 0 < found.latency_low <= found.latency_ratio <= found.latency_high
