"""The section of docs/MODELS.md about `search`, from the same rows: one row a model and way of asking."""

from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.models import cells
from include.evaluation.metrics import TYPE_AT_1
from include.features.queries import VARIANTS

HEAD = """## `search`: products of the type that a query means

{questions} questions in each way of asking, {products} products. The panel holds no queries: a question is a household-week
and a type of which it bought something, asked in one of five ways (`include/features/queries.py`); relevant is what it bought
of that type. Popularity and habit are told the type that is meant, all others read it from the query. A category's words mean
many types, and nobody who is not told can know which. `type@1`: the first product is of the type that is meant.
"""
Row = dict[str, Any]


def search_section(rows: Sequence[Row]) -> list[str]:
    """Parts of the page; none when nothing was asked. Paired leads are those of our best model."""
    own = [row for row in rows if row["task"] in VARIANTS]
    if not own:
        return []
    plain = sorted((row for row in own if row["task"] == VARIANTS[0]), key=lambda row: row["value"])
    names = [row["model"] for row in plain]
    found = {(row["model"], row["task"]): row for row in own}
    ours = next((row["model"] for row in reversed(plain) if row["family"] == "ours"), None)
    parts = [
        HEAD.format(questions=plain[0]["queries"], products=plain[0]["products"]),
        _table(
            "NDCG@10", names, found, cells.value, {"weeks 52, 53, plain": _stress, "fit CPU s": _fit, "CPU ms a question": _ask}
        ),
        _table(TYPE_AT_1, names, found, lambda row: f"{row[TYPE_AT_1]:.3f}"),
    ]
    if ours:
        parts.append(f"Paired leads of {_short(ours)}, by household:\n")
        others = [name for name in names if name != ours]
        parts.append(
            _table("NDCG@10 over", others, found, lambda row: cells.lead(found[ours, row["task"]]["leads"][row["model"]]))
        )
    return parts


def _table(
    title: str,
    names: Sequence[str],
    rows: dict[tuple[str, str], Row],
    cell: Callable[[Row], str],
    more: dict[str, Callable[[Row], str]] | None = None,
) -> str:
    """A row a model and a column a way of asking; `more` columns are read from the plain way."""
    more = more or {}
    heads = [title, *(name.replace("_", " ") for name in VARIANTS), *more]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for name in names:
        found = [cell(rows[name, variant]) for variant in VARIANTS]
        found += [read(rows[name, VARIANTS[0]]) for read in more.values()]
        lines.append(f"| {_short(name)} | {' | '.join(found)} |")
    return "\n".join(lines) + "\n"


def _short(name: str) -> str:
    return name.removeprefix("search: ")


def _stress(row: Row) -> str:
    return f"{row['stress']:.4f}"


def _fit(row: Row) -> str:
    return f"{row['fit_seconds']:.0f}"


def _ask(row: Row) -> str:
    """All ways of asking were timed together."""
    return f"{row['ask_ms'] / len(VARIANTS):.2f}"
