"""Counters and histograms under TF Serving's names, and the page that Prometheus reads."""

import threading
from bisect import bisect_left
from collections.abc import Iterable

PREFIX = ":tensorflow:serving:"
BUCKETS = tuple(10 * 1.8**k for k in range(33))
"""Upper ends in microseconds."""

COUNTERS = ("request_count",)
HISTOGRAMS = ("request_latency", "runtime_latency", "model_warmup_latency")

Labels = tuple[tuple[str, str], ...]


class Metrics:
    """All metrics of one server; may be used by several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counters: dict[tuple[str, Labels], int] = {}
        self._histograms: dict[tuple[str, Labels], list[float]] = {}

    def count(self, name: str, **labels: str) -> None:
        """Add one to a counter."""
        key = (name, tuple(labels.items()))
        with self._lock:
            self._counters[key] = self._counters.get(key, 0) + 1

    def observe(self, name: str, microseconds: float, **labels: str) -> None:
        """Add a value to a histogram."""
        key = (name, tuple(labels.items()))
        with self._lock:
            cells = self._histograms.setdefault(key, [0.0] * (len(BUCKETS) + 2))
            cells[bisect_left(BUCKETS, microseconds)] += 1
            cells[-1] += microseconds

    def total(self, name: str) -> int:
        """The sum of a counter over its labels; `name` with or without the prefix of the page."""
        short = name.removeprefix(PREFIX).removeprefix("/tensorflow/serving/")
        with self._lock:
            return sum(value for (own, _), value in self._counters.items() if own == short)

    def page(self) -> str:
        """The text of the page."""
        with self._lock:
            counters, histograms = dict(self._counters), {key: list(cells) for key, cells in self._histograms.items()}
        lines: list[str] = []
        for name in COUNTERS:
            lines.append(f"# TYPE {PREFIX}{name} counter")
            lines += [f"{PREFIX}{name}{_braces(key[1])} {value}" for key, value in counters.items() if key[0] == name]
        for name in HISTOGRAMS:
            lines.append(f"# TYPE {PREFIX}{name} histogram")
            for key, cells in histograms.items():
                if key[0] == name:
                    lines += _histogram(PREFIX + name, key[1], cells)
        return "\n".join(lines) + "\n"


def _histogram(name: str, labels: Labels, cells: list[float]) -> Iterable[str]:
    seen = 0.0
    for end, count in zip((*(f"{end:g}" for end in BUCKETS), "+Inf"), cells[:-1], strict=True):
        seen += count
        yield f"{name}_bucket{_braces((*labels, ('le', end)))} {seen:.0f}"
    yield f"{name}_sum{_braces(labels)} {cells[-1]:.0f}"
    yield f"{name}_count{_braces(labels)} {seen:.0f}"


def _braces(labels: Labels) -> str:
    pairs = ",".join(f'{key}="{_escaped(value)}"' for key, value in labels)
    return f"{{{pairs}}}" if pairs else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
