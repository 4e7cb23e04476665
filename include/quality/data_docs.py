"""What one validation found, as a document that Nightfill's pages show: every finding, and each check with what was seen.

reports/checks/<stage>/<last night>.json

It is made from the results of Great Expectations. Their own page needs scripts and styles from elsewhere, and has a section
for every bound, so that what is wrong stands somewhere among what is right.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from include.quality.outcome import Outcome
from include.store.document import pack
from include.store.objects import Store


def docs_key(stage: str, night: dt.date | str) -> str:
    return f"reports/checks/{stage}/{night}.json"


def document(outcome: Outcome, results: Any, profile: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The document; without results it holds no check.

    Args:
        results: of Great Expectations, one or two for a check: of its lower and of its upper bound.
        profile: a row a night, oldest first.
    """
    of_check: dict[str, list[Any]] = {}
    for result in results.results if results else ():
        of_check.setdefault(result.expectation_config.meta["check"], []).append(result)
    rows = [_row(name, found) for name, found in of_check.items()]
    return {
        "stage": outcome.stage,
        "nights": [str(profile[place]["night"]) for place in (0, -1)] if profile else [],
        "findings": [finding.model_dump(include={"check", "severity", "what", "todo"}) for finding in outcome.findings],
        "checks": sorted(rows, key=lambda row: bool(row["held"])),
        "unjudged": outcome.unjudged,
        "judge": f"Great Expectations {results.meta['great_expectations_version']}" if results else "",
    }


def publish(store: Store, stage: str, night: dt.date, value: Mapping[str, Any]) -> str:
    """Keep the document in the store, where Airflow's pages show it; returns its key."""
    store.write(docs_key(stage, night), pack(dict(value)))
    return docs_key(stage, night)


def _row(name: str, found: Sequence[Any]) -> dict[str, Any]:
    """One check: what it looks for and why, what is allowed, and the smallest and largest number that was seen."""
    meta = {key: value for one in found for key, value in one.expectation_config.meta.items()}
    seen = sorted({float(one.result["observed_value"]) for one in found})
    if "low" in meta and "high" in meta:
        allowed = f"{meta['low']:.4g} to {meta['high']:.4g}"
    else:
        allowed = f"at least {meta['low']:.4g}" if "low" in meta else f"at most {meta['high']:.4g}"
    return {
        "name": name,
        **{key: meta[key] for key in ("what", "why", "severity")},
        "allowed": allowed,
        "seen": " to ".join(f"{value:.4g}" for value in seen),
        "held": all(one.success for one in found),
    }
