"""The few lines of a validation that go into a job's report and log."""

import datetime as dt
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from include.quality.outcome import Outcome

log = logging.getLogger("nightfill")


def summary(nights: Sequence[dt.date], profile: Sequence[Mapping[str, Any]], outcome: Outcome) -> dict[str, Any]:
    """Log every finding, refuse if one is critical, and return the report's result.

    Raises:
        Refused: a critical check did not hold.
    """
    for finding in outcome.findings:
        log.warning("%s: %s. %s.", finding.severity, finding.what, finding.todo)
    outcome.refuse()
    return {
        "first": str(nights[0]),
        "last": str(nights[-1]),
        "nights": len(profile),
        "rows": sum(int(row["rows"]) for row in profile),
        "checks": outcome.checks,
        "warnings": [finding.what for finding in outcome.findings],
    }
