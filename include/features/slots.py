"""The first few of each household's things, in a fixed order."""

import numpy as np


class Ranked:
    """Things of households in order.

    Args:
        owner: int [N], which household each thing is of.
        order: int [N], things by owner and then as they are to be shown.
        size: number of households.
    """

    def __init__(self, owner: np.ndarray, order: np.ndarray, size: int) -> None:
        self.order = order
        self.start = np.searchsorted(owner[order], np.arange(size + 1))

    def first(self, codes: np.ndarray, slots: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The first `slots` of each of these households [B], none of code -1: int [n] each of thing, row of the batch, slot."""
        here = np.maximum(codes, 0)
        length = codes * 0
        if len(self.start) > 1:
            length = np.where(codes >= 0, np.minimum(self.start[here + 1] - self.start[here], slots), 0)
        row = np.repeat(np.arange(len(codes)), length)
        slot = np.arange(len(row)) - np.repeat(np.cumsum(length) - length, length)
        return self.order[self.start[here[row]] + slot] if len(row) else row, row, slot
