"""The text of --batching_parameters_file, and of a model's own batching_params.pbtxt."""

import itertools
import os
from dataclasses import dataclass
from pathlib import Path

from include.model_server.errors import invalid
from include.model_server.protos import parse_text

OWN_FILE = "batching_params.pbtxt"


@dataclass(frozen=True)
class BatchingParameters:
    """How calls are joined. Names and defaults are TF Serving's; `max_execution_size` is the largest batch that is run."""

    max_batch_size: int = 1000
    batch_timeout_micros: int = 0
    max_enqueued_batches: int = 10
    num_batch_threads: int = os.cpu_count() or 1
    allowed_batch_sizes: tuple[int, ...] = ()
    pad_variable_length_inputs: bool = False
    enable_large_batch_splitting: bool = False
    max_execution_size: int = 1000

    def check(self) -> None:
        """Raises StatusError INVALID_ARGUMENT for values that contradict each other; the load of a model then fails."""
        positive = ("max_batch_size", "max_enqueued_batches", "num_batch_threads", "max_execution_size")
        for name in positive:
            if getattr(self, name) < 1:
                raise invalid(f"{name} must be positive; was {getattr(self, name)}")
        if self.batch_timeout_micros < 0:
            raise invalid(f"batch_timeout_micros must be non-negative; was {self.batch_timeout_micros}")
        if self.max_execution_size > self.max_batch_size:
            raise invalid("max_execution_batch_size must not be larger than max_batch_size")
        sizes = self.allowed_batch_sizes
        if any(later <= earlier for earlier, later in itertools.pairwise(sizes)):
            raise invalid("allowed_batch_sizes entries must be monotonically increasing")
        if sizes and sizes[-1] != self.max_execution_size:
            raise invalid(
                "Last entry in allowed_batch_sizes must match max_batch_size; last entry was "
                f"{sizes[-1]}; expected {self.max_execution_size}"
            )

    def rounded(self, size: int) -> int:
        """The size that a batch is filled up to."""
        return next((allowed for allowed in self.allowed_batch_sizes if allowed >= size), size)


def parse_batching(text: str) -> BatchingParameters:
    """The parameters of a text. Raises StatusError INVALID_ARGUMENT when it cannot be parsed."""
    given = parse_text("BatchingParameters", text)
    numbers = ("max_batch_size", "batch_timeout_micros", "max_enqueued_batches", "num_batch_threads")
    values = {name: getattr(given, name).value for name in numbers if given.HasField(name)}
    splitting = given.enable_large_batch_splitting.value
    largest = values.get("max_batch_size", BatchingParameters.max_batch_size)
    if splitting and given.HasField("max_execution_batch_size"):
        largest = given.max_execution_batch_size.value
    return BatchingParameters(
        **values,
        allowed_batch_sizes=tuple(given.allowed_batch_sizes),
        pad_variable_length_inputs=given.pad_variable_length_inputs,
        enable_large_batch_splitting=splitting,
        max_execution_size=largest,
    )


def own_parameters(folder: Path) -> BatchingParameters | None:
    """What a version's own file says; without one its calls are not joined. Raises StatusError."""
    path = folder / OWN_FILE
    return parse_batching(path.read_text(encoding="utf-8")) if path.is_file() else None
