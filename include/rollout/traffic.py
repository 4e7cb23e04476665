"""Counts and times of a stretch of requests, by arm."""

from collections import Counter, defaultdict
from typing import Any


class Traffic:
    """What came of requests; one per replay, filled by one thread."""

    def __init__(self) -> None:
        self.codes: dict[str, Counter[str]] = defaultdict(Counter)
        self.times: dict[str, list[float]] = defaultdict(list)

    def add(self, arm: str, code: str, ms: float) -> None:
        """One request: the arm that answered, OK or the gRPC status, and what the caller waited."""
        self.codes[arm][code] += 1
        if code == "OK":
            self.times[arm].append(ms)

    def count(self, *arms: str) -> int:
        return sum(self.codes[arm].total() for arm in arms)

    def failed(self, *arms: str) -> int:
        return sum(self.codes[arm].total() - self.codes[arm]["OK"] for arm in arms)

    def summary(self) -> dict[str, dict[str, Any]]:
        """arm -> requests, failed, p50_ms and p99_ms of its good answers (None without any)."""
        return {
            arm: {
                "requests": self.count(arm),
                "failed": self.failed(arm),
                "codes": dict(sorted(self.codes[arm].items())),
                "p50_ms": quantile(self.times[arm], 0.5),
                "p99_ms": quantile(self.times[arm], 0.99),
            }
            for arm in sorted(self.codes)
            if self.codes[arm]
        }


def quantile(values: list[float], p: float) -> float | None:
    """By nearest rank, rounded to microseconds; None of nothing."""
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(p * len(ordered)))], 3) if ordered else None
