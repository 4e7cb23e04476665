"""The rules of single raw lines: what is counted, how grave it is, and the sentence that explains it.

A rule is one entry: its count goes into the night's profile, its bound into the suite, its lines (up to a limit) into the
run's folder, and its explanation into docs/ALARMS.md.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from include.quality.check import LAND, LOOK, QUARANTINE, WARN, Check, Severity
from include.quality.lines import KEYS, MEASURES, Lines
from include.sources.source import Usual

NULL_SHARE = 0.01
UNKNOWN_SHARE = 0.05


@dataclass(frozen=True)
class LineRule:
    """`lines` picks lines (bool [rows]); the rule is broken by more than this `share` of a night, by any line where it is 0."""

    name: str
    lines: Callable[[Lines], np.ndarray]
    what: str
    why: str
    severity: Severity = QUARANTINE
    share: float = 0.0

    def check(self, usual: Usual) -> Check:
        """The bound on the night's count. The shop's own measures of what is usual go into the sentence."""
        limit = f" (more than {self.share:.0%} of the night)" if self.share else ""
        return Check(
            name=self.name,
            column=f"{self.name}_share" if self.share else self.name,
            high=self.share,
            severity=self.severity,
            rows=self.name,
            what=self.what.format(usual=usual, money=usual.cents / 100) + limit,
            why=self.why,
            todo=LOOK if self.severity == WARN else LAND,
        )


def _null(name: str) -> LineRule:
    why = f"A line without {name} cannot be counted. Where many come so, what delivers them has changed or is broken."
    return LineRule(f"{name}_null", lambda lines: lines.null(name), f"no {name}", why, share=NULL_SHARE)


REFUSED = (
    *[_null(name) for name in (*KEYS, *MEASURES)],
    LineRule(
        "doubled",
        lambda lines: lines.doubled,
        "the same basket and product more than once",
        "A basket holds a product once. A line that comes twice would be counted twice by every sum.",
    ),
    LineRule(
        "other_day",
        lambda lines: (lines.delivered != lines.number) | (lines.given_day > lines.number),
        "lines of another night, or of a later business day",
        "A night holds the lines that it delivered, of its own business day or, where they came late, of an earlier one.",
    ),
    LineRule(
        "future",
        lambda lines: lines.business_day > lines.number,
        "a time after the end of the night",
        "Nobody knows of a purchase before it happens: the clock of a till or of a delivery is wrong.",
    ),
    LineRule(
        "clock_apart",
        lambda lines: lines.business_day != lines.given_day,
        "a time that does not lie on the line's own business day",
        "A business day is a day on the shop's clock. Where time and day disagree, a clock or a time zone is wrong.",
    ),
    LineRule(
        "discount_negative",
        lambda lines: lines.below("discount_cents", 0),
        "a discount below 0",
        "A discount is what was given, 0 or more: its sign was turned round.",
    ),
    LineRule(
        "catalogue_gone",
        lambda lines: lines.unknown,
        "a product that the catalogue does not have",
        "A few lines of unknown products are usual and left out; many mean that the catalogue is stale.",
        share=UNKNOWN_SHARE,
    ),
)
"""What sets a night aside."""


def _quirk(name: str, lines: Callable[[Lines], np.ndarray], what: str, why: str) -> LineRule:
    return LineRule(name, lines, what, why, WARN)


def _by_volume(lines: Lines) -> np.ndarray:
    return lines.told("department", "FUEL") | lines.told("category", "COUPON/MISC ITEMS")


def _large(lines: Lines) -> np.ndarray:
    return lines.above("quantity", lines.usual.quantity)


def _none(lines: Lines, name: str) -> np.ndarray:
    return lines.below(name, 1) & ~lines.below(name, 0)


QUIRKS = (
    _quirk(
        "late",
        lambda lines: lines.given_day < lines.number,
        "an earlier business day",
        "The line came late, or corrects an earlier one. It counts from this night on; the manifest has the ledger.",
    ),
    _quirk(
        "quantity_zero",
        lambda lines: _none(lines, "quantity") & ~lines.above("cents", 0),
        "quantity 0",
        "The till writes a line of quantity 0 for coupons and voided items. Nothing was sold, so it does not count.",
    ),
    _quirk(
        "paid_for_nothing",
        lambda lines: _none(lines, "quantity") & lines.above("cents", 0),
        "quantity 0 and yet money",
        "A deposit or a correction at the till. Without a quantity it does not count as a purchase.",
    ),
    _quirk(
        "given_away",
        lambda lines: lines.above("quantity", 0) & _none(lines, "cents"),
        "a quantity and no money",
        "A coupon paid for all of it. It says nothing of what the household buys of its own accord, so it does not count.",
    ),
    _quirk(
        "quantity_negative",
        lambda lines: lines.below("quantity", 0),
        "quantity below 0",
        "A return. It does not count, and does not take the purchase back.",
    ),
    _quirk(
        "money_negative",
        lambda lines: lines.below("cents", 0),
        "money below 0",
        "A refund. It does not count, and does not take the purchase back.",
    ),
    _quirk(
        "sold_by_volume",
        lambda lines: _large(lines) & _by_volume(lines),
        "quantity over {usual.quantity:,} of fuel or of what has no type",
        "Fuel is sold by volume, and its quantity is in units of volume. It is no merchandise, so it does not count.",
    ),
    _quirk(
        "quantity_large",
        lambda lines: _large(lines) & ~_by_volume(lines),
        "quantity over {usual.quantity:,}",
        "More of one product than a household buys. It counts: caps belong to the features.",
    ),
    _quirk(
        "money_large",
        lambda lines: lines.above("cents", lines.usual.cents),
        "more than {money:,.2f} on one line",
        "More money than a line usually has. It counts.",
    ),
    _quirk(
        "unknown_product",
        lambda lines: lines.unknown,
        "a product that the catalogue does not have",
        "The panel sells products that its catalogue leaves out. Nobody can say what they are, so their lines do not count.",
    ),
    _quirk(
        "no_category",
        lambda lines: lines.of("category").is_null().to_numpy(zero_copy_only=False) & lines.told("merchandise", False),
        "a product that has no category in the catalogue",
        "The catalogue leaves the category empty. Such a product is no merchandise, so its lines do not count.",
    ),
)
"""What is odd and known: reported with its count, and nothing is set aside."""

LINE_RULES = (*REFUSED, *QUIRKS)
