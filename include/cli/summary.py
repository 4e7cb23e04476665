"""var/run/summary.json: what the recorded nights did, computed from what they left behind and from nothing else.

Pure: DAG runs as Airflow tells them, job reports, row counts and release records come in as values. So a second
`make run`, which repeats nothing, writes the same summary again.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from include.cli.plan import Calendar, Step, plan

Json = dict[str, Any]
Key = tuple[str, str, str]
METRICS = ("ndcg@10", "recall@20", "hit_rate@10", "coverage")
VARIANT = ("ndcg@10", "type@1")
COMPRESSION = ("fp32_bytes", "bytes", "ndcg_change", "latency_ratio", "chosen")


class Facts(BaseModel):
    """All that the summary is made from.

    `runs` maps (dag_id, run_id) to {"run": DAG run, "tasks": [task instance]}; `reports` maps (dag_id, run_id, task_id)
    to a job's report; `rows` counts rows by dataset; `releases` are the surface's records, oldest first; `install` and
    `stack_start` are seconds.
    """

    model_config = ConfigDict(frozen=True)

    dates: Calendar
    runs: dict[tuple[str, str], Json]
    reports: dict[Key, Json]
    rows: dict[str, int]
    releases: list[Json]
    install: float = 0.0
    stack_start: float = 0.0


def summarise(facts: Facts) -> Json:
    """The whole summary as JSON."""
    steps = [step for step in plan(facts.dates) if (step.dag_id, step.run_id) in facts.runs]
    window = _window(facts, steps)
    return {
        "night": facts.dates.last_night.isoformat(),
        "dag_runs": [_dag_run(facts.runs[step.dag_id, step.run_id]) for step in steps],
        "rows": dict(sorted(facts.rows.items())),
        "surfaces": {facts.dates.surface: _surface(facts, steps)},
        "seconds": _seconds(facts, steps, window),
        "overhead_ratio": round(overhead_ratio(_job_spans(facts, steps), window), 4),
    }


def overhead_ratio(spans: Iterable[tuple[float, float]], window: tuple[float, float]) -> float:
    """1 minus the part of the window in which at least one job ran; 0 for an empty window."""
    first, last = window
    if last <= first:
        return 0.0
    return 1.0 - union_seconds(spans, window) / (last - first)


def union_seconds(spans: Iterable[tuple[float, float]], window: tuple[float, float]) -> float:
    """Seconds of the window that the spans cover together; overlaps count once."""
    covered, reached = 0.0, window[0]
    for begin, end in sorted(spans):
        begin, end = max(begin, reached), min(end, window[1])
        if end > begin:
            covered += end - begin
            reached = end
    return covered


def moment(text: str | None) -> float | None:
    """An ISO time of Airflow as Unix seconds."""
    return dt.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() if text else None


def _span(part: Json) -> tuple[float, float] | None:
    begin, end = moment(part.get("start_date")), moment(part.get("end_date"))
    return None if begin is None or end is None else (begin, end)


def _spans(facts: Facts, steps: Iterable[Step]) -> list[tuple[float, float]]:
    found = (_span(facts.runs[step.dag_id, step.run_id]["run"]) for step in steps)
    return [span for span in found if span]


def _window(facts: Facts, steps: Sequence[Step]) -> tuple[float, float]:
    spans = _spans(facts, steps)
    return (min(begin for begin, _ in spans), max(end for _, end in spans)) if spans else (0.0, 0.0)


def _job_spans(facts: Facts, steps: Iterable[Step]) -> list[tuple[float, float]]:
    wanted = {(step.dag_id, step.run_id) for step in steps}
    return [
        (float(report["started"]), float(report["ended"]))
        for (dag_id, run_id, _), report in facts.reports.items()
        if (dag_id, run_id) in wanted and "started" in report and "ended" in report
    ]


def _dag_run(entry: Json) -> Json:
    run = entry["run"]
    tasks = [{"task_id": task["task_id"], "state": task["state"], "seconds": _duration(task)} for task in entry["tasks"]]
    return {"dag_id": run["dag_id"], "run_id": run["dag_run_id"], "state": run["state"], "tasks": tasks}


def _duration(part: Json) -> float:
    """Seconds from start to end. A deferred task's own duration leaves out the wait, so it is not used."""
    span = _span(part)
    return round(span[1] - span[0], 3) if span else 0.0


def _seconds(facts: Facts, steps: Sequence[Step], window: tuple[float, float]) -> Json:
    """By stage the sum of its DAG runs; `all` is install and stack start and the time from the first run to the last."""
    stages = dict.fromkeys(step.stage for step in steps)
    sums = {
        stage: round(sum(end - begin for begin, end in _spans(facts, (s for s in steps if s.stage == stage))), 1)
        for stage in stages
    }
    runs = window[1] - window[0]
    return {
        "install": round(facts.install, 1),
        "stack_start": round(facts.stack_start, 1),
        **sums,
        "dag_runs": round(runs, 1),
        "all": round(facts.install + facts.stack_start + runs, 1),
    }


def _surface(facts: Facts, steps: Sequence[Step]) -> Json:
    judged = _newest(facts, steps, "judge_candidate")
    shown = judged.get("baselines", {})
    return {
        "metrics": _pick(judged.get("metrics", {}), METRICS),
        "baselines": {name: _pick(values, METRICS) for name, values in shown.items()},
        **_variants(judged),
        "compression": _pick(_newest(facts, steps, "compress_model"), COMPRESSION),
        "releases": facts.releases,
        "evaluation": _pick(_newest(facts, steps, "write_report"), ("report", "address")),
    }


def _variants(judged: Json) -> Json:
    """For a surface that is asked with a query: what each way of asking reaches."""
    found = judged.get("variants")
    return {"variants": {name: _pick(values["metrics"], VARIANT) for name, values in found.items()}} if found else {}


def _newest(facts: Facts, steps: Sequence[Step], task_id: str) -> Json:
    """The result of the last run of a task in the order of the plan; empty when there is none."""
    for step in reversed(steps):
        report = facts.reports.get((step.dag_id, step.run_id, task_id))
        if report and report.get("ok"):
            return dict(report["result"])
    return {}


def _pick(values: Mapping[str, Any], names: Sequence[str]) -> Json:
    return {name: values.get(name) for name in names}
