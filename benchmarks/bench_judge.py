"""How often does the ramp's judge blame an innocent canary, and how soon does it catch a guilty one?

Simulated releases with a known truth (tests/rollout/truths.py): 1,300 requests on a ramp 5-25-50 %, 100 requests a second,
looked at after every request. A false alarm is held against the promise of 1 % by the lower 95 % bound of its rate, a
catch against a number of canary requests.

    python benchmarks/bench_judge.py [RUNS]        writes var/bench/judge.json and prints a table; RUNS is 600
"""

import random
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.report import Row, finish, row  # noqa: E402
from tests.rollout.simulate import Truth, asked_until_rolled_back, delays, false_rate, lower_bound, ramp  # noqa: E402
from tests.rollout.truths import STICKY, TRUTHS, by_request, slower, sticky  # noqa: E402

PROMISE = 0.01
WAYS: dict[str, tuple[Truth, float, float]] = {
    "every canary answer fails": (lambda rng, arm, i: {"failed": arm == "canary", "ms": 4.0}, 0.95, 10),
    "one canary answer in ten fails": (
        lambda rng, arm, i: {"failed": arm == "canary" and rng.random() < 0.1, "ms": 4.0},
        0.95,
        150,
    ),
    "every canary answer flat": (lambda rng, arm, i: {"flat": arm == "canary", "ms": 4.0}, 0.95, 20),
    "canary three times as slow": (slower(3), 0.95, 150),
    "canary twice as slow": (slower(2), 0.5, 250),
}
"""Fault -> (truth, the share of releases that is read, canary requests within which that share must be caught)."""


def blamed(runs: int) -> Iterator[Row]:
    """Identical arms: the share of releases that is rolled back, against the promise."""
    for name, truth in TRUTHS.items():
        yield false_alarms(f"{name}: rolled back", *false_rate(runs, truth, seed=1))
    yield false_alarms("sticky households: rolled back", *false_rate(runs // 3, sticky, seed=1, **STICKY))
    rng = random.Random(1)
    tries = max(20, runs // 6)
    hits = sum(asked_until_rolled_back(by_request(ramp(rng, sticky, **STICKY))) is not None for _ in range(tries))
    yield row(
        "sticky, judged by request (a trap)", hits / tries, "share", "the promise", PROMISE, 1.0, hits / tries > PROMISE, 5
    )


def false_alarms(name: str, hits: int, runs: int) -> Row:
    ok = lower_bound(hits, runs) <= PROMISE
    return row(name, hits / runs, "share", "the promise", PROMISE, 1.0, ok, 5) | {"hits": hits, "runs": runs}


def caught(runs: int) -> Iterator[Row]:
    """Canary requests until a fault is seen."""
    for name, (truth, share, limit) in WAYS.items():
        found = delays(truth, max(20, runs // 10))
        asked = found[min(int(share * len(found)), len(found) - 1)]
        yield row(f"{name}: {share:.0%} caught within", asked, "requests", "limit", limit, 1.0, asked <= limit, 5)


def main(words: list[str]) -> int:
    runs = int(words[0]) if words else 600
    rows = []
    for found in (*blamed(runs), *caught(runs)):
        rows.append(found)
        print(
            f"{found['name']:<46} {found['value']:>9} {found['unit']:<9} limit {found['rival_value']:<6}"
            f" {'ok' if found['ok'] else 'NOT OK'}",
            flush=True,
        )
    return finish("judge", rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
