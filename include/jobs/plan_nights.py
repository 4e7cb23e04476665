"""Say what build_features would do for a range of nights, and why. Nothing is landed, computed or written."""

import logging
import sys
from typing import Any

from include.jobs.frame import main
from include.jobs.night_range import NightRangeJob
from include.jobs.timings import estimate
from include.settings import Settings

SPANS = 12
"""Spans of the result; the log has all of them."""

log = logging.getLogger("nightfill")


class PlanNights(NightRangeJob):
    """Result: {first, last, nights by step and lot, spans, seconds (None: not known), summary}."""

    def run(self) -> dict[str, Any]:
        from include.features.night_plan import plan_nights
        from include.features.plan_words import count, fold, sentence
        from include.sources.opening import open_source

        source = open_source(self.source)
        plans = plan_nights(self.open_store(), source, self.nights_within(source))
        spans, counts = fold(plans), count(plans)
        for span in spans:
            does = ", ".join(f"{name} {step.does}" for name, step in span.steps.items())
            log.info("%s (%d): %s. %s", span.dates, span.nights, does, span.why)
        log.info("%s", sentence(plans))
        return {
            "first": str(plans[0].night),
            "last": str(plans[-1].night),
            "nights": counts,
            "spans": [span.json() for span in spans[:SPANS]],
            "more_spans": max(0, len(spans) - SPANS),
            "seconds": estimate(Settings.load().run / "jobs" / "build_features", would_run(counts)),
            "summary": sentence(plans),
        }


def would_run(counts: dict[str, dict[str, int]]) -> dict[str, int]:
    """Nights that each step works on, those that it works on only perhaps left out."""
    return {name: lots.get("run", 0) for name, lots in counts.items()}


if __name__ == "__main__":
    sys.exit(main(PlanNights))
