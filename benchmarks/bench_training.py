"""What the engine of training costs: streaming, going on from an earlier model, a second worker, being killed.

    python benchmarks/bench_training.py [--store STORE --night NIGHT] [--recipe RECIPE]

Without a store it trains on a made-up shop with the panel's number of features; with one (it is only read) on the weeks before
a night of it. Writes var/bench/training.json and prints a table. Both sides of a row run in this run.

    streamed     batches read from Parquet and made ahead, with the step, against the same step on batches that lie in memory
    warm         the newest weeks from a model that lacks the newest week, against all weeks from nothing: CPU, and NDCG@10
    two workers  largest difference of any weight to one worker, after one epoch
    killed       bytes of weights that differ from an unbroken run's, after kill -9 and a second start
"""

import argparse
import datetime as dt
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np  # noqa: E402

from benchmarks.report import finish  # noqa: E402
from benchmarks.training_shop import Shop, made_up, of_store  # noqa: E402
from tests.ports import free_base  # noqa: E402

WORK = ROOT / "var" / "bench" / "training-work"
ROUNDS, STEPS = 7, 40
HALF_PERCENT = 0.995


def streamed(shop: Shop) -> list[dict[str, object]]:
    """Steps a second, rounds of either kind in turn; the median of the rounds' ratios."""
    from include.training import loop
    from include.training.strategy import Strategy

    course, strategy = shop.course(), Strategy()
    plan = course.plan(0)[:STEPS]
    held = list(loop._ahead(course.batches(plan, strategy.shares), len(plan)))
    step = loop._compiled(course, strategy, course.sides[held[0][0]], held[0][1])

    def run(batches: Any) -> float:
        began = time.perf_counter()
        for side, shares in batches:
            float(step(course.sides[side], shares))
        return len(plan) / (time.perf_counter() - began)

    run(held)
    found = [(run(loop._ahead(course.batches(plan, strategy.shares), len(plan))), run(held)) for _ in range(ROUNDS)]
    ratio = float(np.median([one / other for one, other in found]))
    disk, memory = (float(np.median(rates)) for rates in zip(*found, strict=True))
    return [row("steps from disk", disk, "steps/s", "from memory", memory, ratio, 0.8, ratio >= 0.8)]


def warm(shop: Shop) -> list[dict[str, object]]:
    """Against a full training, on the gate weeks; the start was trained without the newest week."""
    from include.training.warm import Start

    nights = shop.cut.train
    before, _ = shop.fit(nights[:-1])
    start = Start("a" * 16, shop.cut.night, shop.cut.night, shop.model(before))
    full, full_cpu = shop.fit(nights)
    short = shop.recipe.model_copy(update={"warm_weeks": shop.recipe.warm_weeks or 2})
    found, cpu = shop.fit(nights[-short.warm_weeks :], start)
    values = {name: shop.measure(one) for name, one in (("before", before), ("full", full), ("warm", found))}
    cost, kept = cpu / full_cpu, values["warm"] / values["full"]
    print(f"# NDCG@10: before {values['before']:.4f}, full {values['full']:.4f}, warm {values['warm']:.4f}", flush=True)
    return [
        row("warm training", cpu, "CPU s", "full", full_cpu, cost, 0.2, cost <= 0.2),
        row("warm training", values["warm"], "ndcg@10", "full", values["full"], kept, HALF_PERCENT, kept >= HALF_PERCENT),
        row("no training", values["before"], "ndcg@10", "full", values["full"], values["before"] / values["full"], 0, True),
    ]


def two_workers(shop: Shop, one: Path) -> list[dict[str, object]]:
    """After one epoch from the same seed, and how long a worker waits for one that was killed."""
    folder = shop.folder / "two"
    found = join(workers(shop, folder))
    apart = max(float(np.abs(value - found[0][name]).max()) for name, value in read(one).items())
    checkpoint = folder / "checkpoint.npz"
    checkpoint.unlink()
    both = workers(shop, folder, seconds=0)
    wait_for(checkpoint, both)
    both[1].send_signal(signal.SIGKILL)
    began = time.perf_counter()
    code = both[0].wait(300)
    waited = time.perf_counter() - began
    ends = row(
        "the other worker of one killed ends after", waited, "s", "limit", 60, waited / 60, 1, code == 75 and waited < 60
    )
    return [row("two workers", apart, "apart", "limit", 1e-5, apart / 1e-5, 1, apart <= 1e-5), ends]


def killed(shop: Shop, one: Path) -> list[dict[str, object]]:
    """A process that is killed after its first checkpoint and started again, against one that was not."""
    folder = shop.folder / "killed"
    first = child(shop, folder, "first", seconds=0)
    wait_for(folder / "checkpoint.npz", [first])
    time.sleep(1)
    first.kill()
    first.wait()
    steps = len(np.load(folder / "checkpoint.npz")["losses"])
    (found,) = join([child(shop, folder, "second")])
    apart = sum(found[name].tobytes() != value.tobytes() for name, value in read(one).items())
    return [row(f"killed after step {steps}", apart, "arrays", "unbroken", 0, float(apart), 0, apart == 0)]


def child(shop: Shop, folder: Path, name: str, seconds: float = 20, **told: str) -> subprocess.Popen[bytes]:
    """One epoch in a process of its own, which leaves its weights in <folder>/<name>.npz."""
    folder.mkdir(parents=True, exist_ok=True)
    words = [sys.executable, __file__, "--child", str(folder / f"{name}.npz"), str(seconds), *shop.words]
    one = subprocess.Popen(words, env=os.environ | told, stdout=subprocess.DEVNULL, stderr=(folder / f"{name}.log").open("ab"))
    one.weights = folder / f"{name}.npz"  # type: ignore[attr-defined]
    return one


def workers(shop: Shop, folder: Path, seconds: float = 20) -> list[subprocess.Popen[bytes]]:
    base = free_base()
    cluster = {"worker": [f"127.0.0.1:{base}", f"127.0.0.1:{base + 1}"]}
    config = lambda index: json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})
    return [child(shop, folder, f"worker{index}", seconds, TF_CONFIG=config(index)) for index in (0, 1)]


def join(children: list[subprocess.Popen[bytes]]) -> list[dict[str, np.ndarray]]:
    for one in children:
        assert one.wait(1800) == 0, "see the log beside the weights"
    return [read(one.weights) for one in children]  # type: ignore[attr-defined]


def read(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as found:
        return dict(found)


def wait_for(path: Path, children: list[subprocess.Popen[bytes]]) -> None:
    while not path.exists():
        assert all(one.poll() is None for one in children), "see the log beside the weights"
        time.sleep(0.05)


def work_as_child(target: Path, seconds: float, shop: Shop) -> int:
    from include.errors import EXIT_TRY_AGAIN, TryAgain
    from include.settings import Settings
    from include.training.checkpoint import Checkpoint
    from include.training.loop import Run
    from include.training.strategy import choose

    run = Run(Checkpoint(target.parent / "checkpoint.npz", "bench", seconds), choose(Settings()))
    try:
        np.savez(target, **shop.once(run))
    except TryAgain:
        return EXIT_TRY_AGAIN
    return 0


def row(
    name: str, value: float, unit: str, rival: str, limit: float, ratio: float, reach: float, ok: bool
) -> dict[str, object]:
    return {
        "name": name, "value": round(value, 8), "unit": unit, "rival": rival, "rival_value": round(limit, 8),
        "ratio": round(ratio, 4), "reach": reach, "ok": bool(ok),
    }  # fmt: skip


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path, help="a store with a year of features")
    parser.add_argument("--night", type=dt.date.fromisoformat, default=dt.date(2017, 10, 22))
    parser.add_argument("--recipe", default="quick", help="a recipe of home")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args(words)
    make = (lambda: of_store(WORK, args.store, args.night, args.recipe)) if args.store else (lambda: made_up(WORK, args.recipe))
    if args.child:
        return work_as_child(Path(args.child[0]), float(args.child[1]), make())
    shutil.rmtree(WORK, ignore_errors=True)
    shop = make()
    print(f"# {shop.about}", flush=True)
    rows: list[dict[str, object]] = []
    (alone,) = [child(shop, shop.folder / "one", "one")]
    join([alone])
    unbroken = shop.folder / "one" / "one.npz"
    for part in (streamed, warm, partial(two_workers, one=unbroken), partial(killed, one=unbroken)):
        for found in part(shop):
            rows.append(found)
            print(
                f"{found['name']:<42} {found['value']:>12.6g} {found['unit']:<8} {found['rival']:<12}"
                f" {found['rival_value']:<12.6g} ratio {found['ratio']:<8} {'ok' if found['ok'] else 'NOT OK'}",
                flush=True,
            )
    return finish("training", rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
