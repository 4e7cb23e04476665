"""The morning reports in the store: which nights have one, what it says in a line, and the page itself.

reports/<night>/index.html
"""

import datetime as dt
import json
from typing import Any

from include import recipes
from include.errors import NightfillError
from include.nights import parse
from include.store.objects import Store

SHOWN = 30
"""Nights on one page of the list."""


def nights(store: Store) -> list[dt.date]:
    """Nights with a report, newest first. What is no night is left out."""
    found = set()
    for key in store.list("reports"):
        parts = key.split("/")
        if len(parts) == 3 and parts[2] == "index.html":
            try:
                found.add(parse(parts[1]))
            except NightfillError:
                continue
    return sorted(found, reverse=True)


def page(store: Store, night: dt.date) -> bytes:
    """The report of a night. Raises Missing."""
    return store.read(f"reports/{night.isoformat()}/index.html")


def line(store: Store, night: dt.date) -> dict[str, Any]:
    """A night's row: what was said about each surface that was measured."""
    found = [_said(store, surface, night) for surface in recipes.surfaces()]
    return {"night": night.isoformat(), "day": night.strftime("%A"), "surfaces": [one for one in found if one]}


def _said(store: Store, surface: str, night: dt.date) -> dict[str, Any] | None:
    try:
        measures = json.loads(store.read(f"measures/{surface}/{night.isoformat()}/measures.json"))
        return {"name": surface, "alarm": bool(measures["alarm"]), "reason": str(measures["reason"])}
    except (NightfillError, ValueError, KeyError, TypeError):
        return None
