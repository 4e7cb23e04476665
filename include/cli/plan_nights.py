"""`nightfill plan [FIRST [LAST]]`: what build_features would do for each night, and why, before it is asked to."""

import argparse
import json
from pathlib import Path

from include.cli.quarantine import told
from include.cli.terminal import clock, table
from include.settings import Settings


def run(settings: Settings, args: argparse.Namespace) -> int:
    """Look only; works without a running stack, and lands nothing. Returns the exit code."""
    from include.features.night_plan import plan_nights
    from include.features.plan_words import STEPS, count, fold, sentence
    from include.jobs.plan_nights import PlanNights, would_run
    from include.jobs.timings import estimate
    from include.sources.opening import open_source
    from include.store.partitions import list_nights
    from include.store.quarantine import quarantined

    source = open_source(settings.source)
    first, last = source.days()
    job = PlanNights(
        store=settings.store_uri, source=settings.source, work=Path(), first=args.first or str(first),
        last=args.last or args.first or str(last),
    )  # fmt: skip
    store = job.open_store()
    plans = plan_nights(store, source, job.nights_within(source))
    spans, counts = fold(plans), count(plans)
    seconds = estimate(settings.run / "jobs" / "build_features", would_run(counts))
    landed = len(set(list_nights(store, "events")))
    holds = {"first": str(first), "last": str(last), "nights": (last - first).days + 1, "landed": landed}
    if args.json:
        nights = {str(plan.night): {name: vars(getattr(plan, name)) for name in STEPS} for plan in plans}
        value = {"source": holds, "spans": [span.json() for span in spans], "nights": nights, "counts": counts}
        value["quarantined"] = {str(night): why for night, why in quarantined(store).items()}
        print(json.dumps(value | {"seconds": seconds, "summary": sentence(plans)}, indent=1))
        return 0
    print(f"The source holds {first} to {last}, {holds['nights']} nights; the store holds {landed} of events.\n")
    print(table(["nights", "", *STEPS, "why"], [[s.dates, s.nights, *(s.steps[n].does for n in STEPS), s.why] for s in spans]))
    print("\n" + "\n".join([*told(quarantined(store)), f"{sentence(plans)}; {_time(seconds)}. Nothing was done."]))
    return 0


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "how long that takes is not known, no earlier run has left a report"
    return f"about {clock(seconds)}, as earlier runs took"
