import random

from include.rollout.freshness import stale

PLACE = {f"p{i}": i for i in range(1000)}


def answers(rng: random.Random, households: int, newest: int, k: int = 10) -> dict[str, list[str]]:
    """Each household's products are drawn from all that are known, the popular ones among the oldest."""
    draw = lambda: min(newest - 1, int(rng.betavariate(1, 2) * newest))
    return {f"h{i}": [f"p{draw()}" for _ in range(k)] for i in range(households)}


def test_a_candidate_that_answers_nothing_newer_than_its_old_tables_is_stale():
    rng = random.Random(1)
    reason = stale(answers(rng, 100, 1000), answers(rng, 100, 500), PLACE, lambda i: f"day {i}")
    assert reason.startswith("The candidate's vocabulary is stale") and "day 4" in reason and "of 100 households" in reason


def test_an_honest_candidate_is_not_called_stale():
    rng = random.Random(2)
    blamed = [stale(answers(rng, 60, 1000), answers(rng, 60, 1000), PLACE, str) for _ in range(400)]
    assert not any(blamed)


def test_a_candidate_that_gives_everybody_the_same_few_products_is_not_called_stale():
    rng = random.Random(3)
    popular = {f"h{i}": [f"p{j}" for j in range(300, 320)] for i in range(100)}
    few_newer = {f"h{i}": [f"p{rng.randrange(330)}" for _ in range(10)] for i in range(100)}
    assert stale(few_newer, popular, PLACE, str) == ""


def test_a_candidate_fresher_than_stable_is_not_called_stale():
    rng = random.Random(4)
    assert stale(answers(rng, 100, 500), answers(rng, 100, 1000), PLACE, str) == ""


def test_without_answers_nothing_is_said():
    assert stale({}, {}, PLACE, str) == "" and stale({"h1": ["p1"]}, {"h1": ["unheard of"]}, PLACE, str) == ""
