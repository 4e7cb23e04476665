"""Counters and histograms under TF Serving's names, and the page that Prometheus reads."""

import threading
from bisect import bisect_left
from collections.abc import Iterable

PREFIX = ":tensorflow:serving:"
LATENCY = tuple(10 * 1.8**k for k in range(33))
"""Upper ends in microseconds."""
SIZES = tuple(float(2**k) for k in range(20))

COUNTERS = ("request_count", "request_example_count_total", "model_warmup_records_read", "batching_session/wrapped_run_count")
HISTOGRAMS = {
    "request_latency": LATENCY,
    "runtime_latency": LATENCY,
    "model_warmup_latency": LATENCY,
    "request_example_counts": SIZES,
    "batching_session/input_batch_size": SIZES,
    "batching_session/processed_batch_size": SIZES,
    "batching_session/padding_size": SIZES,
    "batching_session/queuing_latency": tuple(1.8**k for k in range(33)),
}
SERIES = 10_000
"""So many series at most: a client chooses the name of the model that it asks for, and must not fill the memory with it."""

Labels = tuple[tuple[str, str], ...]


class Metrics:
    """All metrics of one server; may be used by several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counters: dict[tuple[str, Labels], int] = {}
        self._histograms: dict[tuple[str, Labels], list[float]] = {}

    def count(self, name: str, by: int = 1, **labels: str) -> None:
        """Add to a counter."""
        key = (name, tuple(labels.items()))
        with self._lock:
            if key in self._counters or len(self._counters) < SERIES:
                self._counters[key] = self._counters.get(key, 0) + by

    def observe(self, name: str, value: float, **labels: str) -> None:
        """Add a value to a histogram."""
        key, ends = (name, tuple(labels.items())), HISTOGRAMS[name]
        with self._lock:
            cells = self._histograms.get(key)
            if cells is None:
                if len(self._histograms) >= SERIES:
                    return
                cells = self._histograms[key] = [0.0] * (len(ends) + 2)
            cells[bisect_left(ends, value)] += 1
            cells[-1] += value

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
            lines.append(f"# TYPE {_full(name)} counter")
            lines += [f"{_full(name)}{_braces(key[1])} {value}" for key, value in counters.items() if key[0] == name]
        for name, ends in HISTOGRAMS.items():
            lines.append(f"# TYPE {_full(name)} histogram")
            for key, cells in histograms.items():
                if key[0] == name:
                    lines += _histogram(_full(name), ends, key[1], cells)
        return "\n".join(lines) + "\n"


def _full(name: str) -> str:
    return PREFIX + name.replace("/", ":")


def _histogram(name: str, ends: tuple[float, ...], labels: Labels, cells: list[float]) -> Iterable[str]:
    seen = 0.0
    for end, count in zip((*(f"{end:g}" for end in ends), "+Inf"), cells[:-1], strict=True):
        seen += count
        yield f"{name}_bucket{_braces((*labels, ('le', end)))} {seen:.0f}"
    yield f"{name}_sum{_braces(labels)} {cells[-1]:.0f}"
    yield f"{name}_count{_braces(labels)} {seen:.0f}"


def _braces(labels: Labels) -> str:
    return "{" + ",".join(f'{key}="{_escaped(value)}"' for key, value in labels) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
