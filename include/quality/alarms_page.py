"""Write docs/ALARMS.md: every alarm that the nights of a store raise, and what it means. `make alarms`.

    python -m include.quality.alarms_page [STORE]

The nights are judged as validate_raw and validate_features judge them, and nothing is written to the store.
"""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from include.quality.check import GRAVEST, Check
from include.quality.feature_checks import feature_checks
from include.quality.raw_checks import raw_checks
from include.quality.raw_nights import RawNights
from include.settings import ROOT, Settings
from include.sources.landing import Landing
from include.sources.opening import open_source
from include.store.objects import Store, open_store

PAGE = ROOT / "docs" / "ALARMS.md"
SHOWN = 4
HEAD = """# Alarms

Written by `make alarms` from a run of the checks over every night of the panel; nothing here is typed by hand.

`warn` is reported and changes nothing. `quarantine` sets the night's events aside: the night goes on without them, and its
run ends red until a person releases it. `block` ends the run, and nothing of it is published.
"""


def render(nights: Sequence[str], profile: Sequence[dict[str, Any]], checks: Sequence[Check]) -> str:
    """The page: what fired, and then every rule of raw events and features."""
    fired = [(check, [row for row in profile if check.broken(row)]) for check in checks]
    rows = "".join(_fired(check, found) for check, found in sorted(fired, key=_order) if found)
    count = sum(bool(found) for _, found in fired)
    grave = sum(bool(found) and check.severity != "warn" for check, found in fired)
    said = f"{len(nights)} nights, {nights[0]} to {nights[-1]}: {count} rules fired, {grave} of them graver than a warning."
    rules = "".join(f"| `{check.name}` | {check.severity} | {check.what} | {check.why} |\n" for check in checks)
    built = "".join(f"| `{check.name}` | {check.what} |\n" for check in feature_checks())
    return (
        f"{HEAD}\n## What fired\n\n{said}\n\n"
        f"| rule | severity | nights | lines | which | why |\n|---|---|---|---|---|---|\n{rows}"
        f"\n## All rules of raw nights\n\n| rule | severity | broken by | why |\n|---|---|---|---|\n{rules}"
        f"\n## All rules of computed features\n\nEach blocks: counters carry a mistake on for ever.\n\n"
        f"| rule | broken by |\n|---|---|\n{built}"
    )


def _order(one: tuple[Check, list[dict[str, Any]]]) -> tuple[int, int]:
    return GRAVEST.index(one[0].severity), -len(one[1])


def _fired(check: Check, found: list[dict[str, Any]]) -> str:
    lines = f"{sum(int(row[check.rows]) for row in found):,}" if check.rows else ""
    nights = [str(row["night"]) for row in found]
    which = ", ".join(nights) if len(nights) <= SHOWN else f"{', '.join(nights[:SHOWN])} and {len(nights) - SHOWN} more"
    worst = max((row[check.column] for row in found), key=abs)
    seen = "" if check.rows == check.column else f" (most: {worst:.3g})"
    return f"| `{check.name}` | {check.severity} | {len(found)} | {lines} | {which} | {check.what}{seen}. {check.why} |\n"


def judge_all(store: Store, folder: Path) -> tuple[list[str], list[dict[str, Any]], list[Check]]:
    """Land every night of the source that is not there, and profile all of them."""
    from include import nights as calendar

    source = open_source(Settings.load().source)
    nights = calendar.span(*source.days())
    Landing(store, source, folder).land(nights)
    checks = raw_checks(["NAME"], ["NAME"], source.usual)
    return (
        [str(night) for night in nights],
        list(RawNights(store, source.usual, source.closed).compared(nights, checks)),
        checks,
    )


def main() -> int:
    """Write the page. The nights are landed in a store of its own unless one is named."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(sys.argv[1] if len(sys.argv) > 1 else f"{folder}/store")
        PAGE.write_text(render(*judge_all(store, Path(folder) / "landing")))
    print(f"Wrote {PAGE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
