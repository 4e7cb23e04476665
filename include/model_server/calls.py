"""How one call is to be run, whatever it asks: its time limit, its checks, and who measures it."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np


class Runs(Protocol):
    """What evaluates tensors by name."""

    def run(self, feeds: Mapping[str, np.ndarray], fetches: Sequence[str], timeout_ms: int = 0) -> list[np.ndarray]: ...


def _nobody(*_: Any) -> None:
    return None


@dataclass(slots=True)
class Call:
    """The manner of one call.

    `timeout_ms` is what the graph may take (0: without end), `as_content` packs outputs as bytes,
    `check_method` holds a signature to the kind of call it was exported for. `ran` gets the microseconds in the graph,
    `examples` the number of examples.
    """

    timeout_ms: int = 0
    as_content: bool = False
    check_method: bool = False
    ran: Callable[[float], None] = _nobody
    examples: Callable[[int], None] = _nobody

    def run(self, servable: Runs, feeds: Mapping[str, np.ndarray], fetches: Sequence[str]) -> list[np.ndarray]:
        """Evaluate tensors, and say how long it took. Raises what the graph raises."""
        started = time.perf_counter()
        values = servable.run(feeds, fetches, self.timeout_ms)
        self.ran((time.perf_counter() - started) * 1e6)
        return values
