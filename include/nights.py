"""Nights are ISO dates; this is the one place where a user's text becomes one, or a moment."""

import datetime as dt

from include.errors import Refused


def parse(text: str) -> dt.date:
    """`2017-10-29` to a date.

    Raises:
        Refused: the text is no calendar date in ISO form.
    """
    try:
        night = dt.date.fromisoformat(text)
    except (TypeError, ValueError):
        night = None
    if night is None or night.isoformat() != text:
        raise Refused(f"'{text}' is not a date", "Write the night as YYYY-MM-DD, for example 2017-10-29")
    return night


def span(first: dt.date, last: dt.date) -> list[dt.date]:
    """Every night from first to last, both included; empty when last is before first."""
    return [first + dt.timedelta(days=i) for i in range((last - first).days + 1)]


def moment(text: str) -> float | None:
    """`2026-11-30` or `2026-11-30T07:00`, in UTC unless it says otherwise, as Unix seconds; None for an empty text.

    Raises:
        Refused: the text is no moment.
    """
    if not text:
        return None
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        raise Refused(f"'{text[:40]}' is not a moment", "Write it as 2026-11-30 or 2026-11-30T07:00, in UTC") from None
    return (found if found.tzinfo else found.replace(tzinfo=dt.UTC)).timestamp()
