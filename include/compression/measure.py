"""Measure an int8 bundle against its float32 twin: bytes on disk, ranking on the gate weeks, latency side by side."""

from pathlib import Path

import numpy as np

from include.compression.contract import Measures
from include.compression.latency import bundle_questions, compare
from include.evaluation.gate_measures import measure_model
from include.evaluation.gate_weeks import GateWeek
from include.models.export import EXTRA, take
from include.models.model import Model

BATCHES = (1, 8, 32)


def measure(fp32: Path, int8: Path, weeks: list[GateWeek], questions: dict[str, np.ndarray], limit: float = 30.0) -> Measures:
    """All that the contract asks for. The change of NDCG@10 is None when there was nobody to ask.

    Args:
        limit: seconds after which an uneven machine's latencies have to do.
    """
    values = [measure_model(Model.load(folder / EXTRA), weeks).values["ndcg@10"] for folder in (fp32, int8)]
    base = float(values[0].sum())
    batches = [take(questions, n) for n in BATCHES]
    value, low, high = compare(bundle_questions(fp32, batches), bundle_questions(int8, batches), limit=limit)
    return Measures(
        fp32_bytes=size_of(fp32),
        int8_bytes=size_of(int8),
        ndcg_change=float(values[1].sum()) / base - 1 if base > 0 else None,
        latency_ratio=value,
        latency_low=low,
        latency_high=high,
        queries=len(values[0]),
    )


def size_of(folder: Path) -> int:
    """Bytes of all files of a bundle."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
