"""Small texts of the pages: moments, lengths of time, figures."""

import time
from typing import Any

from include.rollout.switches import Switch
from include.rollout.verdict import Kind

TONES = {Kind.PROMOTE: "good", Kind.ADVANCE: "good", Kind.HOLD: "wait", Kind.ROLL_BACK: "bad", Kind.REFUSE: "bad"}
NOTHING = "\u2013"


def moment(at: float) -> str:
    """A moment in UTC; a dash when nobody noted it."""
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(at)) if at else NOTHING


def length(seconds: float) -> str:
    """A length of time in the two largest units that matter."""
    seconds = max(0, round(seconds))
    for size, unit, small, name in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if seconds >= size:
            return f"{seconds // size} {unit} {seconds % size // small} {name}".removesuffix(f" 0 {name}")
    return f"{seconds} s"


def tone(kind: Kind | None) -> str:
    """The colour class of a verdict."""
    return TONES[kind] if kind else "live"


def switch(one: Switch) -> str:
    """Who, when, until when and why."""
    until = f"until {moment(one.until)}" if one.until else "until somebody takes it off"
    return f"by {one.by} since {moment(one.at)}, {until}: {one.why}"


def figures(values: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """A step's figures as lines (name, text); what is nested is named by its path."""
    found: list[tuple[str, str]] = []
    for name, value in values.items():
        title = f"{prefix}{name}".replace("_", " ")
        if isinstance(value, dict):
            found += figures(value, f"{title}, ")
        else:
            found.append((title, f"{value:.4g}" if isinstance(value, float) else str(value)))
    return found
