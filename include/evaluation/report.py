"""The morning report: one self-contained page that a person reads with coffee."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from include.evaluation import report_charts as charts
from include.evaluation import report_words as words
from include.evaluation.report_facts import Facts, Surface, fingerprint
from include.words import counted

TEMPLATES = Path(__file__).parent / "templates"
TABLE_NIGHTS = 7
"""Nights in the table, latest first; the picture shows all."""
NOTHING, MINUS = "\u2013", "\u2212"


def render(facts: Facts) -> str:
    """The page. Everything from outside is escaped; the same facts give the same bytes."""
    env = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    env.filters |= {"figure": figure, "signed": signed, "percent": percent, "share": share, "size": size, "counted": counted}
    return env.get_template("report.html.j2").render(
        facts=facts,
        surfaces=[view(surface) for surface in facts.surfaces],
        not_judged=words.not_judged(facts),
        provenance=words.provenance(facts),
        fingerprint=fingerprint(facts),
    )


def view(surface: Surface) -> dict[str, Any]:
    """One surface as the template wants it."""
    serving = surface.measures["serving"]
    return {
        "name": surface.name,
        "headline": words.headline(surface),
        "subline": words.subline(surface),
        "alarm": surface.measures["alarm"],
        "reason": surface.measures["reason"],
        "nights": [_night(surface, entry) for entry in surface.measures["nights"][-TABLE_NIGHTS:][::-1]],
        "chart": _nights_chart(surface),
        "serving": serving,
        "serving_title": words.model_title(surface, serving["model"]) if serving else "",
        "differences": _differences_chart(serving) if serving else "",
        "releases": [_release(record) for record in surface.releases[:6]],
        "compression": _of_card(surface, lambda card: card.get("compression")),
        "calibration": _calibration(surface),
        "pointer": surface.pointer,
        "asked": bool(serving and "variants" in serving),
        "variants": [one | {"title": words.WAYS[one["name"]]} for one in (serving or {}).get("variants", []) if one["answers"]],
    }


def figure(value: float | None, digits: int = 4) -> str:
    return NOTHING if value is None else f"{value:.{digits}f}"


def signed(value: float | None, digits: int = 4) -> str:
    return NOTHING if value is None else f"{value:+.{digits}f}".replace("-", MINUS)


def percent(value: float | None, digits: int = 1) -> str:
    return NOTHING if value is None else f"{100 * value:+.{digits}f} %".replace("-", MINUS)


def share(value: float) -> str:
    return f"{100 * value:.1f} %"


def size(value: float) -> str:
    return f"{value / 1e6:.1f} MB" if value >= 1e6 else f"{value / 1e3:.0f} kB"


def _night(surface: Surface, entry: dict[str, Any]) -> dict[str, Any]:
    order = sorted(entry["rankers"], key=lambda name: (name in words.NAMES, name != entry["stable"], name))
    rows = []
    for name in order:
        found = entry["rankers"][name]
        if found["answers"]:
            arms = "was not shown" if name in words.NAMES else ", ".join(found["arms"])
            rows.append({**found, "title": words.model_title(surface, name), "name": name, "arms": arms})
    return {"night": entry["night"], "rows": rows}


def _nights_chart(surface: Surface) -> Markup | str:
    entries = surface.measures["nights"]
    if not entries:
        return ""
    series: dict[str, list[charts.Point]] = {"stable": [], "popularity": [], "recency": []}
    for entry in entries:
        for key, name in {"stable": entry["stable"], "popularity": "popularity", "recency": "recency"}.items():
            found = entry["rankers"].get(name, {}).get("ndcg@10")
            if found:
                series[key].append(charts.Point(entry["night"], found["value"], found["low"], found["high"]))
    titles = {"stable": "What shoppers got (stable)", "popularity": "Popularity", "recency": "Habit"}
    lines = [charts.Line(titles[key], charts.COLOURS[key], points) for key, points in series.items() if points]
    return Markup(charts.nights_chart([entry["night"] for entry in entries], lines))


def _differences_chart(serving: dict[str, Any]) -> Markup | str:
    points = [
        charts.Point(f"against {words.NAMES[name].lower()}", found["value"], found["low"], found["high"])
        for name, found in serving["against"].items()
        if found
    ]
    return Markup(charts.differences_chart(points)) if points else ""


def _release(record: Any) -> dict[str, Any]:
    kind = record.verdict
    return {
        "title": f"Version {record.candidate_version} of night {record.night}",
        "against": f"version {record.stable.version}" if record.stable else "nothing",
        "verdict": str(kind) if kind else "UNDER WAY",
        "tone": words.TONES[kind] if kind else "wait",
        "reason": record.reason or "The release has not ended.",
        "requests": record.requests,
        "failed": record.failed_requests,
        "steps": [{"name": step.name, "verdict": str(step.verdict), "reason": step.reason} for step in record.steps],
        "id": record.release,
    }


def _calibration(surface: Surface) -> dict[str, Any] | None:
    """By way of asking, what was said to be bought and what was; none of a model that nobody calibrated."""
    found = _of_card(surface, lambda card: card.get("training", {}).get("calibration"))
    if found is None:
        return None
    ways = {title: found[way] for way, title in words.SHELVES.items() if found[way].get("answers")}
    points = {way: [(one["predicted"], one["bought"]) for one in told["bins"]] for way, told in ways.items()}
    return found | {"ways": ways, "chart": Markup(charts.reliability_chart(points))} if ways else None


def _of_card(surface: Surface, part: Callable[[dict[str, Any]], dict[str, Any] | None]) -> dict[str, Any] | None:
    """Of the model that serves; of the newest one that has this part of a card when that one has none."""
    names = [surface.pointer["name"]] if surface.pointer else []
    names += [entry for entry, _ in sorted(surface.measures.get("versions", {}).items(), key=lambda one: -one[1])]
    for name in names:
        found = part(surface.cards.get(name, {}))
        if found:
            return {"title": words.model_title(surface, name), "name": name, **found}
    return None
