"""What raw events must satisfy before anything is computed from them."""

from collections.abc import Sequence

from include.quality.check import CRITICAL, WARNING, Check, Severity
from include.quality.raw_profile import KEYS
from include.sources.source import Usual

LAND = "Correct the source and run build_features from {first} to {last} again"
LOOK = "Nothing has to be done: the ETL leaves such lines out, and counts go on"
NULL_SHARE = 0.01


def raw_checks(missing: Sequence[str] = (), wrong: Sequence[str] = (), usual: Usual | None = None) -> list[Check]:
    """All checks of raw events; `missing` and `wrong` are the names of such columns, for the sentence."""
    usual = usual or Usual()
    return [
        Check(name="columns", column="columns_missing", high=0, what=f"no column {', '.join(missing)}", todo=LAND),
        Check(name="types", column="columns_wrong", high=0, what=f"another type in column {', '.join(wrong)}", todo=LAND),
        Check(name="not_empty", column="missing_day", high=0, what="no line at all on a day that the shop is open", todo=LAND),
        *[_null_key(name) for name in KEYS],
        *[_null_measure(name) for name in ("quantity", "cents", "at", "day")],
        _none("doubled", "the same basket and product more than once"),
        _none("other_day", "lines of another business day"),
        _none("discount_negative", "a discount below 0"),
        _band("rows_near", 0.1, 10, CRITICAL, LAND),
        _band("rows_usual", 0.5, 2, WARNING, LOOK),
        _quirk("quantity_zero", "quantity 0"),
        _quirk("quantity_negative", "quantity below 0"),
        _quirk("quantity_large", f"quantity over {usual.quantity:,}{usual.remark}"),
        _quirk("cents_zero", "money 0"),
        _quirk("cents_negative", "money below 0"),
        _quirk("cents_large", f"more than {usual.cents / 100:,.2f} on one line"),
        _quirk("unknown_product", "a product that the catalogue does not have"),
    ]


def _band(name: str, low: float, high: float, severity: Severity, todo: str) -> Check:
    what = f"under {low:g} or over {high:g} times the rows of the same weekday in the weeks before"
    return Check(name=name, column="row_ratio", low=low, high=high, severity=severity, rows="rows", what=what, todo=todo)


def _null_key(name: str) -> Check:
    what = f"no {name} (more than {NULL_SHARE:.0%} of the night)"
    return Check(name=f"{name}_key", column=f"{name}_null_share", high=NULL_SHARE, rows=f"{name}_nulls", what=what, todo=LAND)


def _null_measure(name: str) -> Check:
    share, rows = f"{name}_null_share", f"{name}_nulls"
    return Check(name=f"{name}_known", column=share, high=NULL_SHARE, rows=rows, what=f"no {name}", todo=LAND)


def _none(column: str, what: str) -> Check:
    return Check(name=column, column=column, high=0, rows=column, what=what, todo=LAND)


def _quirk(column: str, what: str) -> Check:
    return Check(name=column, column=column, high=0, severity=WARNING, rows=column, what=what, todo=LOOK)
