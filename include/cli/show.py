"""The table at the end of `make run`, made from the summary."""

from typing import Any

from include.cli.summary import METRICS, VARIANT
from include.cli.terminal import clock, table
from include.words import counted


def render(summary: dict[str, Any]) -> str:
    """Stages with seconds, metrics against baselines, verdicts: what a person reads first."""
    parts = [_stages(summary)]
    for surface, found in summary["surfaces"].items():
        parts += [f"\n{surface} on the last matured weeks", _metrics(found)]
        parts += [*_variants(found), *_compression(found), *_releases(found)]
    return "\n".join(parts)


def _stages(summary: dict[str, Any]) -> str:
    seconds = {name: value for name, value in summary["seconds"].items() if name not in ("all", "dag_runs")}
    rows = [[name, clock(value)] for name, value in seconds.items()]
    total = f"{clock(summary['seconds']['all'])}, scheduling overhead {summary['overhead_ratio']:.0%}"
    return table(["stage", "time"], [*rows, ["all", total]])


def _metrics(found: dict[str, Any]) -> str:
    rows = [["candidate", found["metrics"]], *found["baselines"].items()]
    return table(["model", *METRICS], [[name, *[values.get(metric) for metric in METRICS]] for name, values in rows])


def _variants(found: dict[str, Any]) -> list[str]:
    rows = [[name, *[values[metric] for metric in VARIANT]] for name, values in found.get("variants", {}).items()]
    return ["\n" + table(["synthetic queries", *VARIANT], rows)] if rows else []


def _compression(found: dict[str, Any]) -> list[str]:
    made = found["compression"]
    if made.get("chosen") is None:
        return []
    share = made["bytes"] / made["fp32_bytes"] if made["fp32_bytes"] else 1.0
    change, ratio = made["ndcg_change"], made["latency_ratio"]
    return [f"\ncompression: {made['chosen']} ({share:.0%} of the bytes, NDCG {change:+.2%}, latency x{ratio:.2f})"]


def _releases(found: dict[str, Any]) -> list[str]:
    return [
        f"release of {release['candidate']} against {release['stable']}: {release['verdict']} - {release['reason']} "
        f"({counted(release['requests'], 'request')}, {release['failed_requests']} failed)"
        for release in found["releases"]
    ]
