"""When an answer can be judged: night n's answers are about days n+1 to n+7, and are mature at the end of n+7."""

import datetime as dt

DAYS = 7


def matures(night: dt.date) -> dt.date:
    """The night by whose end an answer of `night` can be judged."""
    return night + dt.timedelta(days=DAYS)


def window(night: dt.date) -> tuple[dt.date, dt.date]:
    """First and last day of the purchases that judge an answer of `night`."""
    return night + dt.timedelta(days=1), matures(night)
