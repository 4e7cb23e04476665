"""A made-up shop's judged answers and releases in a real store: what the report and the measures are tested on."""

import datetime as dt
import random
from functools import cache
from pathlib import Path

from include.evaluation.joins import table_of
from include.evaluation.judged import dataset, write
from include.rollout import record as records
from include.rollout import registry
from include.rollout.steps import Action, Do, take
from include.rollout.verdict import Kind, Verdict
from include.store.objects import FolderStore
from include.store.partitions import publish

OLD, NEW = "0" * 15 + "a", "1" * 15 + "b"
NIGHTS = [dt.date(2017, 10, day) for day in (22, 23, 24)]


@cache
def rows(night: dt.date, model: str, arm: str, skill: float, n: int = 400, seed: int = 0) -> list[dict]:
    """n households; every place of the answer is right with probability `skill`, falling with the place."""
    rng = random.Random(f"{night}{model}{seed}")
    found = []
    for i in range(n):
        right = [rng.random() < skill * (1.5 - place / 20) for place in range(20)]
        found.append(
            {
                "night": night,
                "household": f"h{i}",
                "model": model,
                "arm": arm,
                "run": "r",
                "day": night + dt.timedelta(days=1),
                "products": [f"p{rng.randrange(900)}" for _ in range(20)],
                "right": right,
                "relevant": max(sum(right), 14),
                "known": i * 3,
            }
        )
    return found


def publish_judged(store: FolderStore, folder: Path, now: dt.date, all_rows: list[dict]) -> None:
    table = table_of(all_rows)
    sizes = {row["night"].isoformat(): 1000 for row in all_rows}
    publish(
        store,
        dataset("home"),
        now,
        {"judged.parquet": write(table, folder / f"{now}.parquet")},
        rows=len(table),
        columns={},
        inputs={},
        spec="",
        transform="t",
        meta={"universe": sizes},
    )


def shop(folder: Path, skills: dict[str, float] | None = None, nights: list[dt.date] = NIGHTS, n: int = 400) -> FolderStore:
    """A store with two models, a promoted release and a held one, and judged answers of some nights."""
    skills = skills or {NEW: 0.3, "popularity": 0.1, "recency": 0.27}
    store = FolderStore(folder / "store")
    bundles(store, folder)
    for night in nights:
        mine = rows(night, NEW, "stable", skills[NEW], n)
        rivals = [row for name in ("popularity", "recency") for row in rows(night, name, "reference", skills[name], n)]
        publish_judged(store, folder, night + dt.timedelta(days=7), mine + rivals)
    return store


def bundles(store: FolderStore, folder: Path) -> None:
    compression = {
        "fp32_bytes": 4_200_000,
        "bytes": 1_300_000,
        "ndcg_change": -0.0012,
        "latency_ratio": 0.97,
        "latency_high": 1.01,
        "chosen": "int8",
        "reason": "int8 rows cost -0.12 % of NDCG@10 and are 3.2 times smaller",
        "reused": False,
        "name": NEW,
        "seconds": 4.2,
    }
    told = {"predicted": 0.2, "bought": 0.18, "error": 0.021, "answers": 100, "bins": []}
    told["bins"] = [{"predicted": 0.1, "bought": 0.08, "answers": 50}, {"predicted": 0.3, "bought": 0.28, "answers": 50}]
    training = {"calibration": {"all": told, "new": {"answers": 0}}}
    for name, card in ((OLD, {}), (NEW, {"compression": compression, "training": training})):
        source = folder / name
        source.mkdir(parents=True, exist_ok=True)
        (source / "saved_model.pb").write_text(name)
        registry.register(store, "home", source, name, {"night": "2017-10-22"}, card)
    registry.promote(store, "home", 0, NIGHTS[0], "start_home")
    release(store, "first", {})
    registry.promote(store, "home", 1, NIGHTS[0], "first")


def release(
    store: FolderStore, name: str, verdicts: dict[str, Verdict], night: dt.date = NIGHTS[0], candidate: int = 1
) -> None:
    """A whole release; a step without a verdict advances."""
    record = records.begin(
        store, "home", name, candidate=candidate, night=night, first=night, last=night, margin=0.02, weights=(5, 25, 50, 100)
    )
    from include.rollout.steps import next_action

    reasons = {
        Do.CHECK: "It loads, gives its 3 golden answers and answers in 2.1 ms (p99 4.0 ms)",
        Do.SHADOW: "The candidate is better: NDCG@10 0.2811 against 0.1034, +171.9 % (95 % interval +160.2 % to +183.6 %) "
        "over 1,344 households",
    }
    while (action := next_action(record)).do is not Do.END:
        usual = Verdict(
            kind=Kind.ADVANCE, reason=reasons.get(action.do, "67 canary households at this step and no evidence of harm")
        )
        if action.do is Do.PROMOTE:
            usual = Verdict(kind=Kind.PROMOTE, reason="Version 1 is stable")
        record = take(record, Action(**action.model_dump()), verdicts.get(action.step, usual), requests=1344)
    records.save(store, record)
