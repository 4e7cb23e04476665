"""Batches of one part of one night each, histories of like length together where that saves padding.

At most WINDOW parts are open at a time, however many household-weeks there are; of all the others only their lengths are kept,
twelve bytes each. The order hangs from the seed and the number of the epoch alone.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from include.models.tables import NightTables
from include.training.examples import PART, Examples, Parts

WINDOW = 8
"""Parts whose batches are mixed."""
HELD = WINDOW * PART
"""Household-weeks in memory at most, beside the two batches that are fetched ahead."""

Batch = dict[str, Any]


class Open(Protocol):
    """A part of a night that batches can be cut from."""

    usable: np.ndarray
    """Places of the households that teach anything."""

    def batch(self, chosen: np.ndarray, seed: str) -> Batch: ...


class Planned(NamedTuple):
    """A batch: its part, the households, and a seed for whatever is drawn with it."""

    part: int
    chosen: np.ndarray
    seed: str


class Feed:
    """The batches of all nights.

    Args:
        nights: examples, night by night.
        look: (number of the night, one of its parts) -> that part, opened.
        alike: whether a batch has histories of like length. A model that pads nothing learns better from mixed ones.
    """

    def __init__(
        self, nights: Sequence[Parts], look: Callable[[int, Examples], Open], size: int, seed: int, alike: bool = True
    ) -> None:
        self._nights, self._look, self._size, self._seed, self._alike = nights, look, size, seed, alike
        self._places = [(night, part) for night, one in enumerate(nights) for part in range(one.parts)]
        self._known = [self._index(place) for place in range(len(self._places))]

    def _index(self, place: int) -> tuple[np.ndarray, np.ndarray]:
        """Usable households of a part, and the lengths of their histories: int32."""
        examples, opened = self._open(place)
        return opened.usable.astype(np.int32), examples.history_product.lengths[opened.usable].astype(np.int32)

    def _open(self, place: int) -> tuple[Examples, Open]:
        night, part = self._places[place]
        examples = self._nights[night].part(part)
        return examples, self._look(night, examples)

    def plan(self, epoch: int) -> list[Planned]:
        """The batches of an epoch, in order."""
        rng, seed = np.random.default_rng([self._seed, epoch]), f"{self._seed} {epoch}"
        order, found = rng.permutation(len(self._places)), list[Planned]()
        for start in range(0, len(order), WINDOW):
            inside: list[Planned] = []
            for place in order[start : start + WINDOW].tolist():
                usable, lengths = self._known[place]
                mixed = rng.permutation(len(usable))
                mixed = usable[mixed[np.argsort(lengths[mixed], kind="stable")] if self._alike else mixed]
                cuts = range(0, len(mixed), self._size)
                inside += [Planned(place, mixed[i : i + self._size], f"{seed} {place} {i}") for i in cuts]
            found += [inside[i] for i in rng.permutation(len(inside))]
        return found

    def batches(self, planned: Sequence[Planned], shares: Sequence[slice]) -> Iterator[tuple[int, list[Batch]]]:
        """(number of the night, the asked shares of the batch) for each that is planned. A part is read when it is first
        needed, and let go after its last batch."""
        left, opened = Counter(one.part for one in planned), dict[int, Open]()
        for place, chosen, seed in planned:
            if place not in opened:
                _, opened[place] = self._open(place)
            left[place] -= 1
            part = opened[place] if left[place] else opened.pop(place)
            yield self._places[place][0], [part.batch(chosen[share], seed) for share in shares]


class Night:
    """A part of one night's examples with its labels: which slots, and which hot products, were bought in the week after."""

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
        household = right[hot] // size
        self._hot_label = place[hot]
        self._hot_from = np.searchsorted(household, np.arange(len(examples) + 1))
        reached = np.bincount(household, minlength=len(examples)) > 0
        reached |= np.bincount(in_slot[self.slot_label] // size, minlength=len(examples)) > 0
        self.usable = np.flatnonzero(reached)
        """Households with at least one purchase among the candidates: the others teach nothing."""

    def batch(self, chosen: np.ndarray, seed: str = "") -> Batch:
        """Inputs of the signature, `slot_label` float32 [B, H] and `hot_label` float32 [B, N]."""
        out = self.examples.inputs(chosen)
        slots = self.examples.history_product
        filled = np.arange(out["history_product"].shape[1]) < slots.lengths[chosen][:, None]
        out["slot_label"] = np.zeros(filled.shape, np.float32)
        out["slot_label"][filled] = self.slot_label[slots.places(chosen)]
        out["hot_label"] = np.zeros((len(chosen), len(self.tables.hot)), np.float32)
        for row, i in enumerate(chosen):
            out["hot_label"][row, self._hot_label[self._hot_from[i] : self._hot_from[i + 1]]] = 1
        return out
