"""Does an answer rank at all? One whose scores are all alike puts its products in no order that means anything."""

import math
from collections.abc import Sequence

FLAT = 1e-4
"""Scores count as one when they differ by less than this share of the largest of them."""
SMALLEST = 1e-6
"""What the answer log keeps of a score: differences under it are not in the evidence."""


def is_flat(scores: Sequence[float]) -> bool:
    """Whether an answer holds several products and one score: max - min <= max(SMALLEST, FLAT max |score|).

    The scale is the answer's own, so that models whose scores are buyers, probabilities or logits are held to one rule. An
    answer of one product, or with a score that is not finite, is not flat: the first cannot be ranked, the second is another
    fault.
    """
    if len(scores) < 2 or not all(map(math.isfinite, scores)):
        return False
    largest, smallest = max(scores), min(scores)
    return largest - smallest <= max(SMALLEST, FLAT * max(abs(largest), abs(smallest)))
