"""The suite of a night's raw events: from schemas, from the rules of single lines, and the rules of whole nights below."""

from collections.abc import Sequence

from include.quality.check import BLOCK, LAND, LOOK, QUARANTINE, WARN, Check, Severity
from include.quality.drift import WEEKS
from include.quality.line_rules import LINE_RULES
from include.quality.raw_profile import CROWD, DISTRIBUTIONS
from include.quality.shape import LANDED
from include.sources.source import Usual

CONTRACT = "Deliver the columns as before, or correct the mapping, and run build_features from {first} to {last} again"
LOOK_ONCE = "Look at the night once; nothing has to be done if the day was a special one"
ADVICE = {WARN: LOOK_ONCE, QUARANTINE: LAND, BLOCK: CONTRACT}
SLICE_NULLS = 0.1
LARGEST_HOUSEHOLD = 0.15
SHIFTED = {"": (0.1, 0.25), "_holiday": (0.25, 3.0)}
"""Population stability index that is reported, and that sets a night aside: on ordinary nights, and around holidays."""

NIGHTS = (
    Check(
        name="not_empty",
        column="missing_day",
        high=0,
        what="no line at all on a day that the shop is open",
        why="The delivery of the day is missing or late. Land it when it has come.",
    ),
    Check(
        name="closed",
        column="open_closed",
        high=0,
        severity=WARN,
        rows="open_closed",
        what="lines on a day that the shop is closed",
        why="The shop's calendar is wrong.",
        todo="Correct the closed days of the shop's mapping, unless the day was an exception",
    ),
    Check(
        name="long_day",
        column="clock_change",
        high=0,
        severity=WARN,
        what="a day of 23 or 25 hours",
        why="Clocks go forward or back. A business day is a day on the shop's clock, so its lines are the right ones.",
        todo=LOOK,
    ),
    Check(
        name="slice_nulls",
        column="slice_null_share",
        high=SLICE_NULLS,
        rows="slice_nulls",
        what=f"without a value within one store or department (more than {SLICE_NULLS:.0%} of it)",
        why="Nulls in one slice can be few among all lines: one till or one department delivers broken lines.",
    ),
    Check(
        name="largest_household",
        column="household_share",
        high=LARGEST_HOUSEHOLD,
        rows="largest_household",
        what=f"of one household (more than {LARGEST_HOUSEHOLD:.0%} of a night of {CROWD} households or more)",
        why="One id holds what many people bought: a till without cards, a test, or an id that stands for nobody.",
    ),
)

BANDS = (
    (
        "rows_ratio",
        ((0.5, 2), (0.2, 5)),
        f"fewer than {{low:.2g}} or more than {{high:.2g}} times the lines of this weekday in the {WEEKS} weeks before",
        "Half a delivery, or the same one twice; or a day on which people shop otherwise than on others of its weekday.",
    ),
    (
        "rows_ratio_holiday",
        ((0.25, 4), (0.1, 10)),
        f"around a holiday, fewer than {{low:.2g}} or more than {{high:.2g}} times the lines of the {WEEKS} weeks before",
        "Around holidays people shop more or less than on other days of the same weekday, so these bounds are wide.",
    ),
    (
        "price_ratio",
        ((2 / 3, 1.5), (0.2, 5)),
        f"the middle price of a line is less than {{low:.2g}} or more than {{high:.2g}} times that of the {WEEKS} weeks before",
        "The middle price moves slowly. A jump is a change of unit, such as whole money read as cents.",
    ),
)
"""Numbers that are 1 on an ordinary night: column, what is reported and what sets a night aside, the sentence, why."""

SHIFTS = {
    "quantity": "Lines with other numbers of pieces than before: a change of unit, or other lines.",
    "cents": "Lines with other prices than before: a change of unit or of currency.",
    "hour": "Baskets at other hours than before: a clock or a zone is wrong, hours are missing, or the day is a special one.",
    "basket_lines": "Baskets of other sizes than before: lines are missing, or baskets were split or joined.",
    "department": "Other departments than before: a part of the shop is missing, or the day is a special one.",
}


def raw_checks(missing: Sequence[str] = (), wrong: Sequence[str] = (), usual: Usual | None = None) -> list[Check]:
    """All checks of raw events; `missing` and `wrong` are the names of such columns, for the sentence."""
    why = "Nothing can be computed from other columns than the ones that were agreed."
    columns = (("columns_missing", f"no column {', '.join(missing)}"), ("columns_wrong", f"another type in {', '.join(wrong)}"))
    return [
        *[Check(name=name, column=name, high=0, severity=BLOCK, what=what, why=why, todo=CONTRACT) for name, what in columns],
        *[check for shape in LANDED for check in shape.checks(BLOCK, CONTRACT)],
        *[rule.check(usual or Usual()) for rule in LINE_RULES],
        *NIGHTS,
        *[_band(column, bounds, what, why, severity) for column, bounds, what, why in BANDS for severity in (WARN, QUARANTINE)],
        *[_shift(name, when, severity) for name in DISTRIBUTIONS for when in SHIFTED for severity in (WARN, QUARANTINE)],
    ]


def _band(column: str, bounds: Sequence[tuple[float, float]], what: str, why: str, severity: Severity) -> Check:
    low, high = bounds[severity == QUARANTINE]
    name, sentence = _name(column.replace("_ratio", ""), severity), what.format(low=low, high=high)
    bound = Check(name=name, column=column, low=low, high=high, what=sentence, why=why)
    return bound.model_copy(update={"severity": severity, "todo": ADVICE[severity]})


def _shift(name: str, when: str, severity: Severity) -> Check:
    high = SHIFTED[when][severity == QUARANTINE]
    around = "around a holiday, " if when else ""
    what = f"{around}a population stability index of {name.replace('_', ' ')} over {high:g} against the {WEEKS} weeks before"
    return Check(
        name=_name(name + when, severity),
        column=f"{name}_shift{when}",
        high=high,
        severity=severity,
        what=what,
        why=SHIFTS[name],
        todo=ADVICE[severity],
    )


def _name(what: str, severity: Severity) -> str:
    return f"{what}_{'odd' if severity == WARN else 'wrong'}"
