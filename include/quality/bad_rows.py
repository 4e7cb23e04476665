"""The lines that broke a check, up to a limit, in the run's folder: for a look, with private columns masked."""

import datetime as dt
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from include.quality.line_rules import LINE_RULES
from include.quality.lines import Lines
from include.quality.outcome import Finding

MOST = 100
"""Lines a check."""
PRIVATE = ("household", "basket")


def write_bad_rows(work: Path, findings: Sequence[Finding], lines_of: Callable[[dt.date], Lines]) -> Path | None:
    """To <work>/bad_rows_raw.json: by check up to MOST lines of the first night that broke it; None when there is nothing."""
    rules = {rule.name: rule for rule in LINE_RULES}
    wanted: dict[str, list[str]] = {}
    for finding in findings:
        if finding.check in rules:
            wanted.setdefault(finding.nights[0], []).append(finding.check)
    found = {}
    for night, names in wanted.items():
        lines = lines_of(dt.date.fromisoformat(night))
        for name in names:
            found[name] = masked(lines, np.flatnonzero(rules[name].lines(lines))[:MOST])
    if not found:
        return None
    path = work / "bad_rows_raw.json"
    path.write_text(json.dumps(found, indent=0, default=str))
    return path


def masked(lines: Lines, rows: np.ndarray) -> list[dict[str, Any]]:
    """Some lines; of a private column only which lines share a value can be seen."""
    found: list[dict[str, Any]] = lines.table.take(rows).to_pylist()
    for column in PRIVATE:
        names: dict[Any, str] = {}
        for line in found:
            if line[column] is not None:
                line[column] = names.setdefault(line[column], f"{column} {len(names) + 1}")
    return found
