"""Why a line is not landed, in the words of `nightfill shop check`, and how many there are of each."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

EXAMPLES = 3

LEFT_OUT = "left out by rules.left_out"
NO_HOUSEHOLD = "without household, left out"
BY_RULE = (LEFT_OUT, NO_HOUSEHOLD)
"""Lines that the mapping itself leaves out; all other reasons are faults of the data or of the mapping."""

NO_TIME = "without time"
BAD_TIME = "time is not in the declared format"
FUTURE = "time is on a later day than the file's name"
TOO_LATE = "time is more days before the file's name than files.late_days allows"
NO_PRODUCT = "without product"
HOUSEHOLD_NEEDED = "without household, and the mapping says refuse"
NO_BASKET = "without basket"
BAD_ID = "an id is longer than 200 characters or holds control characters"
NO_QUANTITY = "without quantity"
BAD_QUANTITY = "quantity is no whole number"
NO_PRICE = "without price"
BAD_PRICE = "price is no amount of money"
NEGATIVE_PRICE = "price is below 0"
BAD_DISCOUNT = "discount is no amount of money"
NEGATIVE_DISCOUNT = "discount has the wrong sign (see discount.negative)"
TOO_MUCH = "quantity times price is too large"


@dataclass
class Tally:
    """How many lines were kept, and why others were not; `examples` are a few line numbers by reason."""

    kept: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def add(self, reason: str, file: str, lines: Iterable[int], count: int) -> None:
        """Count `count` lines of a file; the first few numbers are remembered."""
        if not count:
            return
        self.lost[reason] += count
        shown = self.examples.setdefault(reason, [])
        for line in lines:
            if len(shown) >= EXAMPLES:
                break
            shown.append(f"{file}:{line}")

    def join(self, other: "Tally") -> None:
        self.kept += other.kept
        self.lost += other.lost
        for reason, lines in other.examples.items():
            mine = self.examples.setdefault(reason, [])
            mine += lines[: EXAMPLES - len(mine)]

    @property
    def faults(self) -> dict[str, int]:
        """Lines lost by no rule of the mapping, by reason."""
        return {reason: count for reason, count in sorted(self.lost.items()) if reason not in BY_RULE}
