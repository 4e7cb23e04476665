"""Batches of one night each, histories of like length together, so that little is padded."""

import numpy as np

from include.models.tables import NightTables
from include.training.examples import Examples

_SORTED_TOGETHER = 16
"""Batches' worth of shuffled households that are sorted by length before they are cut."""


class Night:
    """Examples of one night with their labels: which slots, and which hot products, were bought in the week after."""

    def __init__(self, examples: Examples, tables: NightTables) -> None:
        self.examples, self.tables = examples, tables
        size = len(tables.row_of)
        slots, bought = examples.history_product, examples.bought
        in_slot = np.repeat(np.arange(len(examples)), slots.lengths) * size + slots.values
        right = np.repeat(np.arange(len(examples)), bought.lengths) * size + bought.values
        self.slot_label = np.isin(in_slot, right)
        new = ~np.isin(right, in_slot)
        place = tables.hot_place[tables.row_of[bought.values]]
        hot = new & (place < len(tables.hot))
        self.hot_household = right[hot] // size
        self.hot_label = place[hot]
        reached = np.bincount(self.hot_household, minlength=len(examples)) > 0
        reached |= np.bincount(in_slot[self.slot_label] // size, minlength=len(examples)) > 0
        self.usable = np.flatnonzero(reached)
        """Households with at least one purchase among the candidates: the others teach nothing."""

    def batch(self, chosen: np.ndarray) -> dict[str, np.ndarray]:
        """Inputs of the signature, `slot_label` float32 [B, H] and `hot_label` float32 [B, N]."""
        out = self.examples.inputs(chosen)
        out["slot_label"] = np.zeros(out["history_product"].shape, np.float32)
        out["hot_label"] = np.zeros((len(chosen), len(self.tables.hot)), np.float32)
        offsets = self.examples.history_product.offsets
        for row, i in enumerate(chosen):
            out["slot_label"][row, : offsets[i + 1] - offsets[i]] = self.slot_label[offsets[i] : offsets[i + 1]]
            out["hot_label"][row, self.hot_label[self.hot_household == i]] = 1
        return out


def plan(nights: list[Night], size: int, rng: np.random.Generator) -> list[tuple[int, np.ndarray]]:
    """The batches of an epoch, (place of the night, its households), in an order that depends on the generator only."""
    found: list[tuple[int, np.ndarray]] = []
    for place, night in enumerate(nights):
        order = rng.permutation(night.usable)
        lengths = night.examples.history_product.lengths
        for start in range(0, len(order), size * _SORTED_TOGETHER):
            part = order[start : start + size * _SORTED_TOGETHER]
            part = part[np.argsort(lengths[part], kind="stable")]
            found += [(place, part[i : i + size]) for i in range(0, len(part), size)]
    return [found[i] for i in rng.permutation(len(found))]
