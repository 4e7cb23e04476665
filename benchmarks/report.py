"""What the benchmarks have in common: a figure beside its rival, and the file and exit code that all figures end in."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "var" / "bench"

Row = dict[str, Any]


def row(
    name: str,
    value: float,
    unit: str,
    rival: str,
    rival_value: float,
    reach: float | None = None,
    ok: bool | None = None,
    digits: int = 2,
) -> Row:
    """A figure beside its rival or its limit.

    Args:
        reach: the ratio that is asked for, None where none is.
        ok: whether that was reached; None where it is when the ratio is not larger.
        digits: of both figures.
    """
    ratio = value / rival_value
    fine = reach is None or ratio <= reach
    return {
        "name": name, "value": round(value, digits), "unit": unit, "rival": rival, "rival_value": round(rival_value, digits),
        "ratio": round(ratio, 3), "reach": reach, "ok": fine if ok is None else ok,
    }  # fmt: skip


def finish(name: str, rows: Sequence[Row], folder: Path = FOLDER) -> int:
    """Write <folder>/<name>.json; returns the exit code, 1 when a row is not ok."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(rows, indent=1))
    return 0 if all(found["ok"] for found in rows) else 1
