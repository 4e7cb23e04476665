"""The loss is Burges' formula, pair by pair; what it weighs is the change of NDCG; nothing else gets a gradient."""

import math

import numpy as np
import pytest
import tensorflow as tf

from include.models.candidates import NOTHING
from include.training.lambda_rank import BOUGHT, DEPTH, lambda_rank


def _by_hand(scores: list[float], label: list[int]) -> float:
    """Sum over pairs, in plain Python."""
    order = sorted((i for i, s in enumerate(scores) if s > NOTHING / 2), key=lambda i: -scores[i])
    gain = {i: 1 / math.log2(place + 2) if place < DEPTH else 0.0 for place, i in enumerate(order)}
    ideal = sum(1 / math.log2(place + 2) for place in range(min(sum(label[i] for i in order), DEPTH)))
    pairs = [(i, j) for i in order for j in order if label[i] and not label[j]]
    total = sum(abs(gain[i] - gain[j]) * math.log1p(math.exp(scores[j] - scores[i])) for i, j in pairs)
    return total / ideal if pairs else 0.0


def test_it_is_the_sum_over_all_pairs() -> None:
    rng = np.random.default_rng(3)
    scores = rng.normal(size=(20, 60)).astype(np.float32)
    label = (rng.random((20, 60)) < 0.1).astype(np.float32)
    scores[rng.random((20, 60)) < 0.3] = NOTHING
    label[0] = 0
    expected = [_by_hand(s.tolist(), y.astype(int).tolist()) for s, y in zip(scores, label, strict=True)]
    assert expected[0] == 0 < expected[1]
    assert lambda_rank(tf.constant(scores), tf.constant(label)).numpy() == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_pairs_are_weighed_by_what_a_swap_changes_in_ndcg() -> None:
    scores = tf.constant([[4.0, 3.0, 2.0, 1.0]])
    with tf.GradientTape() as tape:
        tape.watch(scores)
        loss = lambda_rank(scores, tf.constant([[0.0, 0.0, 0.0, 1.0]]))
    pushed = tape.gradient(loss, scores).numpy()[0]
    swaps = [1 / math.log2(place + 2) - 1 / math.log2(5) for place in range(3)]
    expected = [swap / (1 + math.exp(1.0 - score)) for swap, score in zip(swaps, (4.0, 3.0, 2.0), strict=True)]
    assert pushed[:3] == pytest.approx(expected, rel=1e-4)
    assert pushed[3] == pytest.approx(-sum(expected), rel=1e-4)


def test_what_is_no_candidate_has_no_part_in_it() -> None:
    scores, label = tf.constant([[1.0, NOTHING, 0.5, NOTHING], [NOTHING] * 4]), tf.constant([[1.0, 1.0, 0.0, 0.0], [1.0] * 4])
    with tf.GradientTape() as tape:
        tape.watch(scores)
        loss = lambda_rank(scores, label)
    assert np.isfinite(loss.numpy()).all() and loss.numpy()[1] == 0
    gradient = tape.gradient(loss, scores).numpy()
    assert np.isfinite(gradient).all() and not gradient[0, [1, 3]].any() and not gradient[1].any()


def test_of_a_household_that_bought_very_much_the_best_are_looked_at() -> None:
    scores = np.linspace(1.0, 0.0, 2 * BOUGHT + 10, dtype=np.float32)
    label = np.zeros_like(scores)
    label[10:] = 1
    with tf.GradientTape() as tape:
        given = tf.constant(scores[None])
        tape.watch(given)
        loss = lambda_rank(given, tf.constant(label[None]))
    pushed = tape.gradient(loss, given).numpy()[0]
    assert (pushed[10 : 10 + BOUGHT] < 0).all() and not pushed[10 + BOUGHT :].any()
