"""What bench_models says of scores as chances: which answers it reads, and what it makes of them."""

import numpy as np
import pytest
from scipy.special import expit

from benchmarks.models.chances import MADE, SHOWN, _best
from benchmarks.models.page import page
from benchmarks.models.protocol import NEVER
from include.evaluation.reliability import Scored, reliability


def test_the_best_are_read_and_nothing_that_is_no_candidate() -> None:
    scores = np.tile(np.arange(SHOWN + 5, dtype=np.float32), (2, 1))
    scores[1, 3:] = NEVER
    bought = np.zeros(scores.shape, bool)
    bought[:, [2, 24]] = True
    found = _best(scores, bought)
    assert found.score.tolist() == [*range(SHOWN + 4, 4, -1), 2, 1, 0]
    assert found.score[found.bought].tolist() == [SHOWN + 4, 2]


@pytest.mark.parametrize("name", ["log-odds", "isotonic"])
def test_what_is_made_of_logits_says_what_is_bought(name: str) -> None:
    rng = np.random.default_rng(3)
    score = rng.normal(0, 2, 20_000)
    found = Scored(score, rng.random(len(score)) < expit(0.5 * score - 1))
    made = MADE[name](found)(score)
    assert reliability(Scored(made, found.bought))["error"] < 0.02 < reliability(found)["error"]


def test_the_page_shows_every_way_to_read_a_score() -> None:
    figures = {"log_loss": 0.3, "predicted": 0.25, "bought": 0.24, "error": 0.0123}
    told = page([], chances=[{"task": "new", "made": name, **figures} for name in MADE])
    for name in MADE:
        assert f"| products that the household had never bought | {name} | 0.2500 | 0.2400 | 0.0123 | 0.3000 |" in told
