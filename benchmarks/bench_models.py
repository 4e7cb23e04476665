"""Rivals and our own models of `home` and `search` side by side under the CJ-week protocol, with paired leads by household.

    python benchmarks/bench_models.py [--valid] [--ablation | --chances] [--only NAME ...]

Each model chooses its setting on the validation weeks and is then fitted again and measured on the test weeks, which nothing
else in the project may read. Rivals must reach what an independent script reached under the same protocol, within 1 % (ALS, BPR
and LightGBM: within what their random numbers make). Writes var/bench/models.json and docs/MODELS.md and prints a table.
With --only the other models keep the answers of the last run; with --valid the test weeks are not read and nothing is
written. With --ablation our model is trained again without each of its parts, on the validation weeks, and nothing else is run;
with --chances it is told what its scores mean.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RIVALS, KEPT = ROOT / "var" / "bench" / "rivals-models", ROOT / "var" / "bench" / "models"
ABLATION, CHANCES = (ROOT / "var" / "bench" / f"models-{name}.json" for name in ("ablation", "chances"))
sys.path[:0] = [str(ROOT)]
sys.path.append(str(RIVALS))

from benchmarks.models import (  # noqa: E402
    counting,
    ease,
    factors,
    households_alike,
    ours,
    same_features,
    search,
    search_trees,
    trees,
)
from benchmarks.models.ablation import ablation  # noqa: E402
from benchmarks.models.chances import chances  # noqa: E402
from benchmarks.models.kept import keep, load  # noqa: E402
from benchmarks.models.page import page  # noqa: E402
from benchmarks.models.protocol import CUT_OFF, TEST, fold  # noqa: E402
from benchmarks.models.rival import Rival, Row, choose, test  # noqa: E402
from include.cli.setup import install_beside  # noqa: E402

AS_SERVED = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
"""The threads that docker-compose.yaml gives a model server: what an answer costs is measured so."""
ALL: tuple[Rival, ...] = (
    *counting.RIVALS,
    *ease.RIVALS,
    *households_alike.RIVALS,
    *factors.RIVALS,
    *trees.RIVALS,
    *same_features.RIVALS,
    *ours.RIVALS,
    *search.RIVALS,
    *search_trees.RIVALS,
)


def described(row: Row, task: str, others: Sequence[Row], products: int) -> dict[str, Any]:
    """One row of the report: the frame's fields (value, rival, ratio, reach, ok), and all that the page shows."""
    rival, found = row.rival, row.test[task]
    script = rival.script.get(task)
    interval, reach = found.interval().rounded(), 1 - rival.noise
    ratio = round(found.mean() / script, 4) if script else None
    rest = {name: round(found.mean(name), 4) for name in found.values if name != "ndcg@10"}
    within = all(row.steps_ms.get(step, 0.0) <= limit for step, limit in rival.limit_ms.items())
    leads = {one.rival.name: found.lead(one.test[task]).rounded() for one in others if one is not row and task in one.test}
    return {
        "name": f"{rival.name}, {task}", "value": round(found.mean(), 4), "unit": "ndcg@10", "rival": "independent script",
        "rival_value": script, "ratio": ratio, "reach": reach, "ok": within and (ratio is None or reach <= ratio <= 2 - reach),
        "model": rival.name, "family": rival.family, "about": rival.about, "task": task, "plan": rival.plan,
        "low": round(interval["low"], 4), "high": round(interval["high"], 4), "queries": len(found.households),
        "products": products, **rest, "coverage@10": round(found.coverage, 4),
        "stress": round(row.stress[task].mean(), 4), "setting": dict(row.setting[task]), "valid": row.valid.get(task),
        "fit_seconds": round(row.fit_seconds, 1), "ask_ms": round(row.ask_ms, 2), "leads": leads,
        "steps_ms": {step: round(spent, 2) for step, spent in row.steps_ms.items()}, "limit_ms": dict(rival.limit_ms),
    }  # fmt: skip


def say(row: Row) -> None:
    for task in row.rival.tasks:
        script = row.rival.script.get(task)
        told = f"script {script:.4f}  ratio {row.test[task].mean() / script:.3f}" if script else ""
        one = row.test[task].interval()
        print(f"{row.rival.name:<24} {task} {one.value:.4f} [{one.low:.4f}, {one.high:.4f}]  {told}", flush=True)


def run(rival: Rival, valid: bool) -> Row:
    row = Row(rival)
    choose(rival, row)
    if not valid:
        test(rival, row)
        keep(row, KEPT)
    return row


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--valid", action="store_true", help="choose only; the test weeks are not read")
    parser.add_argument("--ablation", action="store_true", help="only what each part of our model brings")
    parser.add_argument("--chances", action="store_true", help="only what the scores of our model mean")
    parser.add_argument("--only", nargs="+", choices=[rival.name for rival in ALL], help="only these models")
    args = parser.parse_args(words)
    os.environ |= AS_SERVED
    if not RIVALS.exists():
        install_beside(RIVALS, ROOT / "benchmarks" / "models" / "requirements.txt")
    if args.ablation:
        found = []
        for one in ablation():
            found.append(one)
            ABLATION.write_text(json.dumps(found, indent=1))
    if args.chances:
        CHANCES.write_text(json.dumps(list(chances()), indent=1))
    alone = args.ablation or args.chances
    asked = [rival for rival in ALL if (not args.only or rival.name in args.only) and not alone]
    rows = [
        run(rival, args.valid) if rival in asked else load(rival, KEPT) for rival in ALL if rival in asked or not args.valid
    ]
    whole = [row for row in rows if row is not None]
    if args.valid or not whole:
        return 0
    for row in whole:
        say(row)
    products = fold(CUT_OFF[TEST]).products
    told = [described(row, task, whole, products) for row in whole for task in row.rival.tasks]
    for one in told:
        if not one["ok"]:
            wanted = f"asked for: {one['rival_value']} (ratio {one['ratio']}), CPU ms {one['limit_ms']}"
            print(f"{one['name']}: {one['value']}, CPU ms {one['steps_ms']}; {wanted}  NOT OK")
    (ROOT / "var" / "bench" / "models.json").write_text(json.dumps(told, indent=1))
    (ROOT / "docs" / "MODELS.md").write_text(
        page(
            told,
            [rival.name for rival in ALL if rival not in [row.rival for row in whole]],
            *(json.loads(path.read_text()) if path.exists() else () for path in (ABLATION, CHANCES)),
        )
    )
    return 0 if all(one["ok"] for one in told) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
