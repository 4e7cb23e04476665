"""docs/MODELS.md from the rows of var/bench/models.json: every figure comes from a run, none is typed."""

from collections.abc import Sequence
from typing import Any

from benchmarks.models import cells
from benchmarks.models.ablation import WEEKS
from benchmarks.models.search_page import search_section

HEAD = """# How well `home` and `search` rank, beside their rivals

Written by `make bench-models`; do not edit. NDCG@10 on the panel under the CJ-week protocol (`benchmarks/models/protocol.py`):
choices on weeks 45 to 47, the figures below on weeks 48 to 51, of which nothing else in the project reads anything. The whole
universe is ranked, without sampled negatives. Intervals hold 95 % of a bootstrap over households; a lead is paired: the same
household in the same week. `script` is what an independent implementation reached; `plan` says whether the ranker knows the
promotions of the week that it ranks for. CPU a household counts all that ranking the weeks took, once for each table if ours.
"""
STEPS = """CPU ms of one household in a batch of 32, answered as docker-compose.yaml serves it, on one thread, the best of some
rounds: `features` makes what the caller sends, `graph` is the SavedModel with all of its stages. Nightfill asks for at most 1
of the graph of two_stage, and at most 5 of both. Models that were last measured otherwise are left out.
"""
CALIBRATED = """## What a score means

The best 20 of two_stage + plan, fitted up to week 44, for every household that bought anything in week 47: the mean chance that
their scores say, and the share that was bought. `logits` are the scores as the loss leaves them; `log-odds`, which is what is
served, turns them by two numbers found on weeks 45 and 46; `isotonic` by as many steps as fit best there. The error is the
expected calibration error over ten equal parts.
"""
TITLES = {"all": "`home`: all products", "new": "`home`: products that the household had never bought"}


def page(
    rows: Sequence[dict[str, Any]],
    missing: Sequence[str] = (),
    ablation: Sequence[dict[str, Any]] = (),
    chances: Sequence[dict[str, Any]] = (),
) -> str:
    """The document, from rows as `bench_models.py` writes them; `missing` names models that were not measured."""
    parts = [HEAD, *([f"Not measured yet: {', '.join(missing)}.\n"] if missing else [])]
    for task, title in TITLES.items():
        own = [row for row in rows if row["task"] == task]
        if not own:
            continue
        count = own[0]["queries"]
        parts.append(f"## {title}\n\n{count} household-weeks, {own[0]['products']} products.\n")
        parts += [_table(own), _leads(own), _chosen(own)]
    parts += _steps([row for row in rows if row["task"] in TITLES and row["steps_ms"]])
    parts += [_parts(ablation)] if ablation else []
    parts += [_chances(chances)] if chances else []
    parts += search_section(rows)
    return "\n".join(parts).rstrip() + "\n"


def _parts(rows: Sequence[dict[str, Any]]) -> str:
    """What the whole leads by over itself without a part."""
    lines = [
        "## What each part brings\n",
        f"two_stage + plan on the validation weeks (45 to 47), fitted on the {WEEKS} weeks up to 44, and again without one",
        "part at a time; one seed. A lead is what the whole has over itself without the part, paired.\n",
        "| without | all products | lead | 95 % | new products | lead | 95 % |\n|---|---|---|---|---|---|---|",
    ]
    for name in dict.fromkeys(row["part"] for row in rows):
        own = [row for task in TITLES for row in rows if (row["part"], row["task"]) == (name, task)]
        found = [f"{row['value']:.4f} | {cells.lead(row['lead'], ' | ')}" for row in own]
        lines.append(f"| {name} | {' | '.join(found)} |")
    return "\n".join(lines) + "\n"


def _chances(rows: Sequence[dict[str, Any]]) -> str:
    """How far what is said of an answer is from what becomes of it."""
    lines = [
        CALIBRATED,
        "| asked for | read as chances | said | bought | calibration error | log loss |\n|---|---|---|---|---|---|",
    ]
    for row in rows:
        found = f"{row['predicted']:.4f} | {row['bought']:.4f} | {row['error']:.4f} | {row['log_loss']:.4f}"
        lines.append(f"| {TITLES[row['task']].removeprefix('`home`: ')} | {row['made']} | {found} |")
    return "\n".join(lines) + "\n"


def _table(rows: Sequence[dict[str, Any]]) -> str:
    names = "model kind plan NDCG@10 script hit@10 recall@20 coverage@10 weeks_52,_53 fit_CPU_s CPU_ms_a_household"
    titles = [name.replace("_", " ") for name in names.split()]
    lines = [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    for row in sorted(rows, key=lambda row: row["value"]):
        script = f"{row['rival_value']:.4f} ({row['ratio']:.3f})" if row["rival_value"] else ""
        lines.append(
            f"| {row['model']} | {row['family']} | {'yes' if row['plan'] else ''} | {cells.value(row)} | {script} | "
            f"{row['hit_rate@10']:.3f} | {row['recall@20']:.3f} | {row['coverage@10']:.3f} | "
            f"{row['stress']:.4f} | {row['fit_seconds']:.0f} | {row['ask_ms']:.2f} |"
        )
    return "\n".join(lines) + "\n"


def _steps(rows: Sequence[dict[str, Any]]) -> list[str]:
    """What an answer of ours costs; none when nobody measured it."""
    if not rows:
        return []
    found = {row["model"]: row["steps_ms"] for row in rows}
    lines = ["| model | features | graph | both |", "|---|---|---|---|"]
    for model, spent in sorted(found.items()):
        lines.append(f"| {model} | {spent['features']:.2f} | {spent['graph']:.2f} | {sum(spent.values()):.2f} |")
    return ["## What an answer costs\n", STEPS, "\n".join(lines) + "\n"]


def _leads(rows: Sequence[dict[str, Any]]) -> str:
    """The paired lead of our best model over every other; it is negative over what stays ahead."""
    best = max(rows, key=lambda row: (row["family"] == "ours", row["value"]))
    lines = [f"Paired leads of {best['model']}:\n", "| over | NDCG@10 | 95 % |", "|---|---|---|"]
    for row in sorted(rows, key=lambda row: -row["value"]):
        if row is not best:
            lines.append(f"| {row['model']} | {cells.lead(best['leads'][row['model']], ' | ')} |")
    return "\n".join(lines) + "\n"


def _chosen(rows: Sequence[dict[str, Any]]) -> str:
    said = [f"{row['model']} {row['setting']} ({row['valid']:.4f})" for row in rows if row["valid"]]
    return f"Chosen on the validation weeks, with their figure there: {'; '.join(said)}.\n" if said else ""
