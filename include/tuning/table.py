"""The trials of a search as a table for people."""

from collections.abc import Sequence
from typing import Any

from include.tuning.search import Trial, best


def table(trials: Sequence[Trial], names: Sequence[str]) -> str:
    """Markdown, best first; the first trial is the recipe as it is, and says so."""
    top = best(list(trials))
    lines = [_row("trial", *names, "NDCG@10", "95 %", "seconds", ""), _row(*["---"] * (len(names) + 5))]
    for one in sorted(trials, key=lambda trial: (trial.value is None, -(trial.value or 0.0), trial.number)):
        said = [*(["best"] if one is top else []), *([] if one.number else ["the recipe as it is"]), *_why(one)]
        interval = "" if one.low is None or one.high is None else f"{one.low:.4f} to {one.high:.4f}"
        values = [_short(one.values.get(name, "")) for name in names]
        value = "" if one.value is None else f"{one.value:.4f}"
        lines.append(_row(one.number, *values, value, interval, f"{one.seconds:.0f}", ", ".join(said)))
    return "\n".join(lines) + "\n"


def _why(trial: Trial) -> list[str]:
    return [] if trial.state == "done" else [f"{trial.state}: {trial.reason}".replace("|", "/")]


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    return "-".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _row(*cells: Any) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"
