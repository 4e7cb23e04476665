"""Great Expectations over the profile of a range of nights: one batch, one row a night, numbers only.

Each night is counted once (profiles), and all checks read those counts. So a check costs the same for one night and for
a year, a refusal can say which nights and how many rows, and no value of the shop's data ever reaches a log.
"""

import logging
import os
from collections.abc import Mapping, Sequence
from typing import Any

from include.quality.check import Check
from include.quality.outcome import Finding, Outcome

SHOWN = 3
"""Nights that a sentence names before it says how many more there are."""


def judge(stage: str, profile: Sequence[Mapping[str, Any]], checks: Sequence[Check], subject: str = "") -> Outcome:
    """Run the checks on a profile (one mapping a night, with `night` as ISO text).

    Raises:
        RuntimeError: a check could not be carried out; that is a defect, never a pass.
    """
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    import great_expectations as gx
    import pandas as pd

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}  # type: ignore[assignment]
    asset = context.data_sources.add_pandas("nightfill").add_dataframe_asset(stage)
    batch = asset.add_batch_definition_whole_dataframe("nights").get_batch({"dataframe": pd.DataFrame(list(profile))})
    suite = gx.ExpectationSuite(name=stage, expectations=[_expectation(gx, check) for check in checks])
    form = {"result_format": "COMPLETE", "unexpected_index_column_names": ["night"], "return_unexpected_index_query": False}
    results: list[Any] = batch.validate(suite, result_format=form).results
    if len(results) != len(checks):
        raise RuntimeError(f"{len(checks)} checks were asked for, {len(results)} were carried out")
    by_name = {check.name: check for check in checks}
    by_night = {row["night"]: row for row in profile}
    findings = [_finding(by_name[r.expectation_config.meta["check"]], _nights(r), by_night) for r in results if not _held(r)]
    order = {check.name: place for place, check in enumerate(checks)}
    findings.sort(key=lambda finding: (finding.severity != "critical", order[finding.check]))
    return Outcome(stage=stage, checks=len(checks), findings=findings, subject=subject)


def _expectation(gx: Any, check: Check) -> Any:
    return gx.expectations.ExpectColumnValuesToBeBetween(
        column=check.column,
        min_value=check.low,
        max_value=check.high,
        severity=check.severity,
        meta={"check": check.name},
    )


def _held(result: Any) -> bool:
    info = result.exception_info or {}
    raised = info.get("raised_exception") or any(
        isinstance(part, dict) and part.get("raised_exception") for part in info.values()
    )
    if raised:
        raise RuntimeError(f"Check {result.expectation_config.meta['check']} could not be carried out: {info}")
    return bool(result.success)


def _nights(result: Any) -> list[str]:
    return sorted(str(item["night"]) for item in result.result["unexpected_index_list"])


def _finding(check: Check, nights: list[str], by_night: Mapping[str, Mapping[str, Any]]) -> Finding:
    rows = sum(int(by_night[night][check.rows]) for night in nights) if check.rows else 0
    more = f" and {len(nights) - SHOWN} more nights" if len(nights) > SHOWN else ""
    where = f"{', '.join(nights[:SHOWN])}{more}"
    what = f"{rows} rows on {where}: {check.what}" if check.rows else f"On {where}: {check.what}"
    todo = check.todo.replace("{first}", nights[0]).replace("{last}", nights[-1])
    return Finding(check=check.name, severity=check.severity, nights=nights, rows=rows, what=what, todo=todo)
