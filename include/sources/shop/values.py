"""From one text to money, a quantity or a moment. Exact: decimal numbers, whole microseconds. None means "cannot be read"."""

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

MICRO = 1_000_000
"""Money is read in millionths of the currency, so that a unit price of a tenth of a cent is exact."""
LARGEST = 10_000_000
YEARS = (1990, 2100)

_SIGNS = re.compile(r"^(-?)[£$€¥]?\s*|\s*[£$€¥]$")
_POINT = re.compile(r"[+-]?(\d+|\d{1,3}(,\d{3})+)?(\.\d+)?([eE][+-]?\d{1,3})?")
_COMMA = re.compile(r"[+-]?(\d+|\d{1,3}(\.\d{3})+)?(,\d+)?")
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def money(decimal: str) -> Callable[[str], int | None]:
    """Reads money into millionths; `decimal` is point or comma. Thousands marks must stand where they belong."""

    def point(text: str) -> int | None:
        text = _SIGNS.sub(r"\1", text.replace("\u00a0", " ").strip())
        return _millionths(text.replace(",", "")) if _POINT.fullmatch(text) else None

    def comma(text: str) -> int | None:
        text = _SIGNS.sub(r"\1", text.replace("\u00a0", " ").strip())
        return _millionths(text.replace(".", "").replace(",", ".")) if _COMMA.fullmatch(text) else None

    return comma if decimal == "comma" else point


def _millionths(text: str) -> int | None:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    if abs(value) > LARGEST:
        return None
    return int((value * MICRO).to_integral_value())


def quantity(text: str) -> int | None:
    """A whole number within 32 bits; `3.0` is one, `1.5` is none."""
    if len(text) > 20:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    if not value.is_finite() or value != value.to_integral_value() or abs(value) >= 2**31:
        return None
    return int(value)


def moments(form: str, zone: str) -> Callable[[str], tuple[int, bool] | None]:
    """Reads a moment into (UTC microseconds, whether the text had an offset of its own).

    A text without an offset is wall time in `zone`: of the two hours when clocks go back it is the first, and a time that
    the clocks skip counts as if they had not.
    """
    info = ZoneInfo(zone)

    def read(text: str) -> tuple[int, bool] | None:
        try:
            found = _parsed(text, form)
            own = found.tzinfo is not None
            if not YEARS[0] <= found.year < YEARS[1]:
                return None
            span = (found if own else found.replace(tzinfo=info)) - _EPOCH
        except (ValueError, OverflowError):
            return None
        return (span.days * 86_400 + span.seconds) * MICRO + span.microseconds, own

    return read


def _parsed(text: str, form: str) -> dt.datetime:
    if form == "iso":
        if not text[:4].isdigit() or len(text) < 10 or text[4] != "-":
            raise ValueError("no ISO date")
        return dt.datetime.fromisoformat(text)
    if form in ("unix", "unix_ms"):
        seconds = Decimal(text) if re.fullmatch(r"\d{1,15}(\.\d{1,9})?", text) else None
        if seconds is None:
            raise ValueError("no number of seconds")
        micros = int(seconds * (MICRO if form == "unix" else 1000))
        return _EPOCH + dt.timedelta(microseconds=micros)
    return dt.datetime.strptime(text, form)
