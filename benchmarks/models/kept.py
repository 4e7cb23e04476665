"""What was measured of each model, kept in files, so that one can be measured again beside the others."""

import json
from pathlib import Path

import numpy as np

from benchmarks.models.protocol import Measured
from benchmarks.models.rival import Rival, Row


def keep(row: Row, folder: Path) -> None:
    """Write <folder>/<name>.npz: values and households of each task's weeks, and the rest as JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    cost = {"fit": row.fit_seconds, "ask": row.ask_ms, "served": row.steps_ms}
    arrays, about = {}, {"setting": dict(row.setting), "valid": row.valid, **cost}
    for weeks, measured in (("test", row.test), ("stress", row.stress)):
        for task, one in measured.items():
            about[f"{weeks} {task}"] = one.coverage
            arrays[f"{weeks} {task} household"] = np.array(one.households)
            arrays |= {f"{weeks} {task} {name}": value for name, value in one.values.items()}
    np.savez(_path(folder, row.rival), about=json.dumps(about), **arrays)


def load(rival: Rival, folder: Path) -> Row | None:
    """What `keep` wrote, or None."""
    if not _path(folder, rival).exists():
        return None
    with np.load(_path(folder, rival), allow_pickle=False) as kept:
        about = json.loads(str(kept["about"]))
        row = Row(
            rival,
            about["setting"],
            about["valid"],
            fit_seconds=about["fit"],
            ask_ms=about["ask"],
            steps_ms=about.get("served", {}),
        )
        for weeks, measured in (("test", row.test), ("stress", row.stress)):
            for task in rival.tasks:
                start = f"{weeks} {task} "
                values = {key.removeprefix(start): kept[key] for key in kept.files if key.startswith(start)}
                measured[task] = Measured(values.pop("household").tolist(), values, about[start.strip()])
    return row


def _path(folder: Path, rival: Rival) -> Path:
    return folder / f"{rival.name.replace(' ', '_')}.npz"
