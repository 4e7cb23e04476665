"""Parts of the gate weeks' answers that a model must not be worse for: by night, and by how much is known of a household."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

FEW = 50
"""Products of its past below which little is known of a household."""


@dataclass(frozen=True)
class Answered:
    """Of whom and when each answer is: household names [Q], nights [Q], products known of the household int [Q]."""

    household: list[str]
    night: list[str]
    known: np.ndarray

    @classmethod
    def join(cls, parts: Sequence["Answered"]) -> "Answered":
        return cls(
            [name for part in parts for name in part.household],
            [night for part in parts for night in part.night],
            np.concatenate([np.zeros(0, np.int64), *(part.known for part in parts)]),
        )

    def slices(self) -> dict[str, np.ndarray]:
        """bool [Q] by the slice's name; every answer is in two of them."""
        nights = np.array(self.night, str)
        found = {f"the week after {night}": nights == night for night in sorted(set(self.night))}
        return found | {
            f"households with under {FEW} products": self.known < FEW,
            f"households with {FEW} products or more": self.known >= FEW,
        }
