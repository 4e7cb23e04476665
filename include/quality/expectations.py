"""Great Expectations over the profile of a range of nights: one batch, one row a night, numbers only.

Each night is counted once (profiles), and all checks read those counts. So a check costs the same for one night and for
a year, a refusal can say which nights and how many rows, and no value of the shop's data ever reaches a log or a page.

A bound is an expectation on the largest or smallest value of a column: that costs a fifth of one on each value, and says in
the page what was seen. Which nights are outside is read off the profile, and must agree with Great Expectations.
"""

import logging
import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from include.quality.check import GRAVEST, Check
from include.quality.outcome import Finding, Outcome
from include.words import counted

SHOWN = 3
"""Nights that a sentence names before it says how many more there are."""
Row = Mapping[str, Any]


class Judged(NamedTuple):
    """What was found, and the results of Great Expectations themselves; None when there was nothing to judge."""

    outcome: Outcome
    results: Any


def judge(stage: str, profile: Sequence[Row], checks: Sequence[Check], subject: str = "") -> Judged:
    """Run the checks on a profile (one mapping a night, with `night` as ISO text).

    A check of which no night has a number is not carried out, and is listed as not judged.

    Raises:
        RuntimeError: a check could not be carried out; that is a defect, never a pass and never a fault of the data.
    """
    judged = [check for check in checks if any(row[check.column] is not None for row in profile)]
    results = _validate(stage, profile, judged) if judged else None
    broken = {check.name: [row for row in profile if check.broken(row)] for check in judged}
    for result in results.results if results else ():
        _agree(result, broken)
    findings = [_finding(check, broken[check.name]) for check in judged if broken[check.name]]
    findings.sort(key=lambda finding: GRAVEST.index(finding.severity))
    unjudged = [check.name for check in checks if check not in judged]
    outcome = Outcome(stage=stage, checks=len(judged), unjudged=unjudged, findings=findings, subject=subject)
    return Judged(outcome, results)


def _validate(stage: str, profile: Sequence[Row], checks: Sequence[Check]) -> Any:
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    import great_expectations as gx
    import pandas as pd

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}  # type: ignore[assignment]
    columns = {check.column: [row[check.column] for row in profile] for check in checks}
    asset = context.data_sources.add_pandas("nightfill").add_dataframe_asset(stage)
    batch = asset.add_batch_definition_whole_dataframe("nights").get_batch({"dataframe": pd.DataFrame(columns, dtype=float)})
    expectations = [one for check in checks for one in _expectations(gx, check)]
    results = batch.validate(gx.ExpectationSuite(name=stage, expectations=expectations))
    if len(results.results) != len(expectations):
        raise RuntimeError(f"{len(expectations)} checks were asked for, {len(results.results)} were carried out")
    return results


def _expectations(gx: Any, check: Check) -> list[Any]:
    said = {"column": check.column, "severity": SEVERITIES[check.severity]}
    about = {"check": check.name, "what": check.what, "why": check.why, "severity": check.severity}
    found = []
    for kind, bound in (("low", check.low), ("high", check.high)):
        if bound is not None:
            limit = {"min_value": bound} if kind == "low" else {"max_value": bound}
            expect = gx.expectations.ExpectColumnMinToBeBetween if kind == "low" else gx.expectations.ExpectColumnMaxToBeBetween
            described = (
                f"{check.name}: {check.column} at {'least' if kind == 'low' else 'most'} {bound:.4g}, or {check.severity}"
            )
            found.append(expect(**said, **limit, description=described, meta=about | {kind: bound}))
    return found


SEVERITIES = {"warn": "info", "quarantine": "warning", "block": "critical"}
"""What Great Expectations calls them."""


def _agree(result: Any, broken: Mapping[str, Sequence[Row]]) -> None:
    """Raise unless a result was carried out and says what the profile says."""
    config, info = result.expectation_config, result.exception_info or {}
    raised = info.get("raised_exception") or any(isinstance(one, dict) and one.get("raised_exception") for one in info.values())
    name = config.meta["check"]
    if raised:
        raise RuntimeError(f"Check {name} could not be carried out: {info}")
    values = [row[config.kwargs["column"]] for row in broken[name]]
    outside = any(value < config.meta["low"] if "low" in config.meta else value > config.meta["high"] for value in values)
    if bool(result.success) == outside:
        raise RuntimeError(f"Check {name}: Great Expectations and the profile disagree about the nights that break it")


def _finding(check: Check, rows: Sequence[Row]) -> Finding:
    nights = [str(row["night"]) for row in rows]
    count = sum(int(row[check.rows]) for row in rows) if check.rows else 0
    more = f" and {counted(len(nights) - SHOWN, 'more night')}" if len(nights) > SHOWN else ""
    where = f"{', '.join(nights[:SHOWN])}{more}"
    seen = _seen(check, rows)
    what = f"{counted(count, 'row')} on {where}: {check.what}{seen}" if check.rows else f"On {where}: {check.what}{seen}"
    todo = check.todo.replace("{first}", nights[0]).replace("{last}", nights[-1])
    return Finding(check=check.name, severity=check.severity, nights=nights, rows=count, what=what, todo=todo)


def _seen(check: Check, rows: Sequence[Row]) -> str:
    """The worst number, where the check is of no count; and the slice that it was seen in."""
    if check.column == check.rows or isinstance(rows[0][check.column], int):
        return ""
    worst = max(rows, key=lambda row: abs(row[check.column] - (check.low or check.high or 0)))
    slice_ = f", {worst['slice']}" if check.name == "slice_nulls" else ""
    return f" (seen: {worst[check.column]:.3g}{slice_})"
