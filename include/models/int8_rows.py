"""Embedding rows as int8: each half of a row (E_in, E_out) has its own scale, the largest magnitude becomes 127.

    q = round(x / s),  s = max |x| / 127     error of one entry <= s / 2

Guan et al., Post-training 4-bit quantization on embedding tables, arXiv 1911.02079 (row-wise scales).
"""

import numpy as np

LEVELS = 127


def quantise(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """float32 [R, 2 D] to int8 [R, 2 D] and scales float32 [R, 2]; a half row of zeros has scale 1."""
    halves = table.reshape(len(table), 2, -1)
    largest = np.abs(halves).max(axis=2)
    scale = np.where(largest > 0, largest / LEVELS, 1.0).astype(np.float32)
    stored = np.clip(np.rint(halves / scale[:, :, None]), -LEVELS, LEVELS).astype(np.int8)
    return stored.reshape(table.shape), scale


def widen(stored: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """The float32 rows [R, 2 D] that int8 rows and their scales stand for."""
    halves = stored.reshape(len(stored), 2, -1).astype(np.float32) * scale[:, :, None]
    return halves.reshape(stored.shape)
