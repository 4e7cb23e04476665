"""One surface as the page shows it: values and sentences, no HTML."""

import time
from typing import Any

from include.errors import NightfillError
from include.rollout import history
from include.rollout.history import History
from include.rollout.record import Record, Step
from include.rollout.served import Move
from include.rollout.verdict import Kind
from include.store.objects import Store
from nightfill.web import words
from nightfill.web.timeline import lanes, spells

FEW, MANY = 6, 200
"""Releases that are shown at first, and at most."""


def view(store: Store, surface: str, limit: int = FEW, now: float | None = None) -> dict[str, Any]:
    """All that the page needs; with `error` alone when the surface cannot be read."""
    now = time.time() if now is None else now
    try:
        found = history.read(store, surface)
    except NightfillError as error:
        return {"name": surface, "error": str(error)}
    served = spells(found.moves)
    rows, first = lanes(served, now)
    live = found.switches.now(now)
    return {
        "name": surface,
        "error": "",
        "faults": found.faults,
        "serving": _serving(found, now),
        "pin": words.switch(live.pin) if live.pin else "",
        "pinned": live.pin.version if live.pin else None,
        "freeze": words.switch(live.freeze) if live.freeze else "",
        "lanes": rows,
        "first": words.moment(first) if first else "",
        "served": [{"version": s.move.version, "night": s.move.night, "text": s.text(now), "how": how(s.move)} for s in served],
        "back": [{"version": move.version, "night": move.night, "name": move.name} for move in found.ways_back[:SHOWN_BACK]],
        "releases": [release(one) for one in found.records[::-1][:limit]],
        "all": len(found.records),
        "log": found.switches.log[::-1][:SHOWN_LOG],
    }


SHOWN_BACK, SHOWN_LOG = 5, 8


def _serving(found: History, now: float) -> dict[str, Any] | None:
    if found.stable is None:
        return None
    last = found.moves[-1]
    return {
        "version": found.stable.version,
        "name": found.stable.name,
        "epoch": found.stable.epoch,
        "since": words.moment(last.at) if last.at else "",
        "how": how(last),
    }


def how(move: Move) -> str:
    """What let a version serve."""
    if move.by:
        return f"rolled back by {move.by}: {move.why}"
    if move.release.startswith("start_"):
        return "opened the surface"
    return f"promoted by {move.release}"


def release(one: Record) -> dict[str, Any]:
    """One release with its steps and their evidence."""
    return {
        "id": one.release,
        "title": f"Version {one.candidate_version} of night {one.night}",
        "against": f"version {one.stable.version}" if one.stable else "nothing",
        "verdict": str(one.verdict) if one.verdict else "UNDER WAY",
        "tone": words.tone(one.verdict),
        "reason": (one.reason or _under_way(one)).rstrip(".") + ".",
        "requests": one.requests,
        "failed": one.failed_requests,
        "drill": one.drill,
        "days": f"{one.first} to {one.last}",
        "when": words.moment(next((step.began for step in one.steps if step.began), 0.0)),
        "took": _took(one),
        "steps": [_step(step) for step in one.steps],
        "open": one.verdict in (Kind.ROLL_BACK, Kind.REFUSE) or one.verdict is None,
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "name": step.name,
        "verdict": str(step.verdict),
        "tone": words.tone(step.verdict),
        "reason": step.reason.rstrip(".") + ".",
        "requests": step.requests,
        "failed": step.failed_requests,
        "took": words.length(step.ended - step.began) if step.began and step.ended else "",
        "figures": words.figures(step.figures),
    }


def _under_way(one: Record) -> str:
    done = one.steps[-1].name if one.steps else "nothing yet"
    share = one.shifts[-1].weight if one.shifts else 0
    return f"It has not ended: done is {done}, and {share} % of the households are at the canary"


def _took(one: Record) -> str:
    began = [step.began for step in one.steps if step.began]
    return words.length(one.steps[-1].ended - began[0]) if began and one.steps[-1].ended else ""
