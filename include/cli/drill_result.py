"""What came of drills: a row each, the table for people, the file for programs."""

import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from include.cli.terminal import clock, table


class Row(BaseModel):
    """One drill.

    `where` is the step of the release that ended it. `left` says in words what the drill left behind of itself: nothing, when
    stable is untouched. `caught` and `named`: whether the verdict kept the model away, and the reason says what was wrong.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    fault: str
    form: str
    where: str
    verdict: str
    reason: str
    seconds: float
    requests: int
    failed_requests: int
    stable_untouched: bool
    left: list[str] = []
    caught: bool
    named: bool

    @property
    def ok(self) -> bool:
        """Whether the drill was passed in every respect."""
        return self.caught and self.named and self.stable_untouched and not self.failed_requests


def render(rows: Sequence[Row]) -> str:
    """The table, and every fault that got through or was not told apart, loudly."""
    head = ["fault", "form", "where", "verdict", "time", "requests", "failed", "stable untouched", ""]
    cells = [
        [
            *(row.fault, row.form, row.where or "-", row.verdict, clock(row.seconds), row.requests, row.failed_requests),
            "yes" if row.stable_untouched else "NO",
            "" if row.ok else "DRILL FAILED",
        ]
        for row in rows
    ]
    return "\n".join([table(head, cells), "", *(f"{row.fault} {row.form}: {row.reason}" for row in rows), *_faults(rows)])


def write(rows: Sequence[Row], path: Path) -> Path:
    """Write the file by rename, and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(json.dumps([{**row.model_dump(), "ok": row.ok} for row in rows], indent=1))
    beside.replace(path)
    return path


def _faults(rows: Sequence[Row]) -> list[str]:
    out = []
    for row in rows:
        title = f"DRILL FAILED, {row.fault} {row.form}:"
        if not row.caught:
            out.append(f"{title} the spoilt model was not kept away (verdict {row.verdict})")
        elif not row.named:
            out.append(f"{title} the reason does not say what was wrong")
        if row.failed_requests:
            out.append(f"{title} {row.failed_requests} of {row.requests} requests of shoppers failed")
        out += [f"{title} {trace}" for trace in row.left]
    return ["", *out] if out else []
