"""The pictures of the morning report, as SVG text that stands inside the page."""

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

INK, FAINT = "#3b3530", "#e7ded2"
COLOURS = {"stable": "#b4532a", "popularity": "#8a8178", "recency": "#3f7d78", "other": "#c9a227"}
STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "nightfill",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
}


@dataclass(frozen=True)
class Point:
    """A value with its interval."""

    at: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Line:
    """One ranker over the nights."""

    name: str
    colour: str
    points: Sequence[Point]


def nights_chart(nights: Sequence[str], lines: Sequence[Line]) -> str:
    """NDCG@10 by night with 95 % intervals. The points of a night stand side by side so that intervals can be read."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.6, 3.0), layout="constrained")
        axes = figure.subplots()
        places = {night: i for i, night in enumerate(nights)}
        for i, line in enumerate(lines):
            x = [places[point.at] + 0.14 * (i - (len(lines) - 1) / 2) for point in line.points]
            y = [point.value for point in line.points]
            below = [max(0.0, point.value - point.low) for point in line.points]
            above = [max(0.0, point.high - point.value) for point in line.points]
            axes.errorbar(
                x, y, (below, above), color=line.colour, marker="o", ms=5, lw=1.2, elinewidth=1.4, capsize=3, label=line.name
            )
        axes.set_xticks(range(len(nights)), [night[5:] for night in nights])
        axes.set_xlim(-0.6, len(nights) - 0.4)
        _tidy(axes, "NDCG@10")
        figure.legend(loc="outside upper left", ncols=4, frameon=False)
        return _svg(figure, "NDCG@10 by night with 95 % intervals")


def differences_chart(points: Sequence[Point]) -> str:
    """Paired differences with intervals against a line at nothing."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.6, 0.7 + 0.5 * len(points)), layout="constrained")
        axes = figure.subplots()
        for i, point in enumerate(points):
            colour = COLOURS["recency"] if point.low > 0 else COLOURS["stable"] if point.high < 0 else COLOURS["popularity"]
            axes.plot([point.low, point.high], [-i, -i], color=colour, lw=3, solid_capstyle="round")
            axes.plot([point.value], [-i], "o", color=colour, ms=8)
        axes.axvline(0, color=INK, lw=1)
        axes.set_yticks([-i for i in range(len(points))], [point.at for point in points])
        axes.set_ylim(-len(points) + 0.4, 0.6)
        _tidy(axes, "")
        axes.grid(axis="x", color=FAINT, lw=0.8)
        axes.set_xlabel("difference in NDCG@10, same households (95 % interval)")
        return _svg(figure, "Differences in NDCG@10 against popularity and habit")


def reliability_chart(ways: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """The share that was bought over the chance that was said, by way of asking, against the line where both are the same."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.6, 3.0), layout="constrained")
        axes = figure.subplots()
        for (way, points), colour in zip(ways.items(), (COLOURS["stable"], COLOURS["recency"]), strict=False):
            axes.plot(*zip(*points, strict=True), color=colour, marker="o", ms=5, lw=1.2, label=way)
        most = max(max(point) for points in ways.values() for point in points)
        axes.plot([0, most], [0, most], color=INK, lw=1, label="as it was said")
        axes.set_xlabel("chance that the scores say")
        _tidy(axes, "share that was bought")
        figure.legend(loc="outside upper left", ncols=3, frameon=False)
        return _svg(figure, "Share of the answered products that was bought, over the chance that their scores say")


def _tidy(axes, label: str) -> None:  # type: ignore[no-untyped-def]
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(length=0)
    axes.set_axisbelow(True)
    if label:
        axes.set_ylabel(label)
        axes.grid(axis="y", color=FAINT, lw=0.8)
        axes.set_ylim(bottom=0)


def _svg(figure: Figure, title: str) -> str:
    """The figure without prolog and clock time; named for readers who cannot see it."""
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    text = out.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r" *<metadata>.*?</metadata>\n", "", text, flags=re.S)
    text = text.replace(' xmlns:xlink="http://www.w3.org/1999/xlink"', "", 1) if "xlink:href" not in text else text
    text = re.sub(r'width="[\d.]+pt" height="[\d.]+pt"', 'width="100%"', text, count=1)
    return text.replace("<svg ", f'<svg role="img" aria-label="{title}" ', 1)
