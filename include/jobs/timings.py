"""How long the steps of build_features may take, from the reports of earlier runs on this machine."""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

Result = dict[str, Any]

WORKED: dict[str, tuple[str, Callable[[Result], int]]] = {
    "land_events": ("land", lambda result: result.get("landed", {}).get("events", 0)),
    "validate_raw": ("validate", lambda result: result["nights"]),
    "compute_features": ("compute", lambda result: result["built"]),
    "validate_features": ("compute", lambda result: result["nights"]),
    "publish_features": ("publish", lambda result: result["published"]),
}
"""By task: for which step of a plan it works, and on how many nights a run of it did. Computed nights are validated."""


def estimate(reports: Path, nights: Mapping[str, int]) -> float | None:
    """Seconds for so many nights by step of a plan; None without an earlier run to learn from.

    Args:
        reports: <folder>/<run id>/<task id>.json of build_features. Reports that cannot be read teach nothing.
    """
    seen = {task: list(_seen(reports.glob(f"*/{task}.json"), worked)) for task, (_, worked) in WORKED.items()}
    if not any(seen.values()):
        return None
    return sum(seconds(seen[task], nights.get(step, 0)) for task, (step, _) in WORKED.items() if seen[task])


def seconds(seen: list[tuple[int, float]], nights: int) -> float:
    """Start-up and seconds a night of a task, by least squares over (nights, seconds); neither is below 0.

    With one size of run seen: as long as that, or in proportion when there are more nights.
    """
    if not nights:
        return 0.0
    size = len(seen)
    mean_n, mean_s = sum(n for n, _ in seen) / size, sum(s for _, s in seen) / size
    spread = sum((n - mean_n) ** 2 for n, _ in seen)
    if not spread:
        return mean_s * max(1.0, nights / mean_n)
    each = max(0.0, sum((n - mean_n) * (s - mean_s) for n, s in seen) / spread)
    return max(0.0, mean_s - each * mean_n) + each * nights


def _seen(paths: Iterable[Path], worked: Callable[[Result], int]) -> Iterable[tuple[int, float]]:
    for path in sorted(paths):
        try:
            report = json.loads(path.read_text())
            if report["ok"] and (nights := int(worked(report["result"]))):
                yield nights, float(report["ended"]) - float(report["started"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
