"""Collect what the summary is made from: Airflow's runs, the jobs' reports, the store."""

import json
from pathlib import Path

from include.cli.airflow_api import AirflowApi, Json
from include.cli.plan import Calendar, Step, plan
from include.cli.setup import read_stamp
from include.cli.stack import read_start
from include.cli.summary import Facts, Key, summarise
from include.rollout.record import Record, all_of
from include.settings import Settings
from include.store.many import each
from include.store.objects import Store, open_store
from include.store.partitions import list_nights, read_manifest


def collect(api: AirflowApi, settings: Settings, dates: Calendar) -> Facts:
    """Read everything; runs that were never asked for are left out."""
    store = open_store(settings.store_uri)
    return Facts(
        dates=dates,
        runs=_runs(api, plan(dates)),
        reports=read_reports(settings.run / "jobs"),
        rows=count_rows(store),
        releases=_releases(store, dates),
        install=float(str(read_stamp().get("seconds", 0))),
        stack_start=read_start(settings),
    )


def write_summary(api: AirflowApi, settings: Settings, dates: Calendar) -> Json:
    """Write var/run/summary.json by rename, and return it."""
    summary = summarise(collect(api, settings, dates))
    settings.run.mkdir(parents=True, exist_ok=True)
    beside = settings.run / ".summary.json.new"
    beside.write_text(json.dumps(summary, indent=1))
    beside.replace(settings.run / "summary.json")
    return summary


def read_reports(folder: Path) -> dict[Key, Json]:
    """All job reports in <folder>/<dag_id>/<run_id>/<task_id>.json."""
    out: dict[Key, Json] = {}
    for path in sorted(folder.glob("*/*/*.json")):
        if not path.name.endswith(".spec.json"):
            out[path.parts[-3], path.parts[-2], path.stem] = json.loads(path.read_text())
    return out


def count_rows(store: Store) -> dict[str, int]:
    """Rows by dataset, over all its nights, as the manifests say."""
    names = sorted({key.split("/")[1] for key in store.list("datasets")})
    return {name: _rows(store, name) for name in names}


def _rows(store: Store, dataset: str) -> int:
    manifests = each(store, lambda night: read_manifest(store, dataset, night), list_nights(store, dataset))
    return sum(manifest.rows for manifest in manifests)


def _runs(api: AirflowApi, steps: list[Step]) -> dict[tuple[str, str], Json]:
    out = {}
    for step in steps:
        if run := api.run(step.dag_id, step.run_id):
            out[step.dag_id, step.run_id] = {"run": run, "tasks": api.tasks(step.dag_id, step.run_id)}
    return out


def release(record: Record) -> Json:
    """A release's record as the summary tells it: models by name, steps without their private figures."""
    steps = [step.model_dump(mode="json", exclude={"figures", "began", "ended"}) for step in record.steps]
    return {
        "night": record.night.isoformat(),
        "stable": record.stable.name if record.stable else None,
        "stable_version": record.stable.version if record.stable else None,
        "candidate": record.candidate,
        "candidate_version": record.candidate_version,
        "verdict": record.verdict.value if record.verdict else None,
        "reason": record.reason,
        "steps": steps,
        "requests": record.requests,
        "failed_requests": record.failed_requests,
    }


def _releases(store: Store, dates: Calendar) -> list[Json]:
    """This calendar's two releases, oldest night first."""
    wanted = (dates.first_model, dates.last_night)
    return [release(record) for record in all_of(store, dates.surface) if record.night in wanted and not record.drill]
