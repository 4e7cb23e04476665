"""The few lines of a validation that go into a job's report and log, and its page in the store."""

import datetime as dt
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from include.quality.data_docs import document, publish
from include.quality.outcome import Outcome
from include.store.objects import Store

SENTENCES = 20
"""Warnings that go into the result: it passes through Airflow's database. All of them are in the run's folder."""

log = logging.getLogger("nightfill")


def tell(
    store: Store, nights: Sequence[dt.date], profile: Sequence[Mapping[str, Any]], outcome: Outcome, results: Any
) -> dict[str, Any]:
    """Log every finding, publish the page, refuse if one blocks, and return the report's result.

    Raises:
        Refused: a check that blocks did not hold.
    """
    docs = publish(store, outcome.stage, nights[-1], document(outcome, results, profile))
    log.info("The checks of %s in full: %s in the store", outcome.stage, docs)
    for finding in outcome.findings:
        log.warning("%s: %s. %s.", finding.severity, finding.what, finding.todo)
    outcome.refuse()
    return {
        "first": str(nights[0]),
        "last": str(nights[-1]),
        "nights": len(profile),
        "rows": sum(int(row["rows"]) for row in profile),
        "checks": outcome.checks,
        "unjudged": len(outcome.unjudged),
        "docs": docs,
        "warnings": [finding.what for finding in outcome.findings][:SENTENCES],
    }
