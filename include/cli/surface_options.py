"""The command line of what a person does with a surface by hand. Standard library only."""

import argparse
from collections.abc import Callable

Add = Callable[[str, str], argparse.ArgumentParser]


def add(command: Add) -> None:
    """pin, unpin, freeze, unfreeze, rollback, tidy."""
    for name, text in (
        ("pin", "keep a surface on the version that serves; releases of others end with HOLD"),
        ("unpin", "let other versions be released again"),
        ("freeze", "let no release of a surface begin or go on"),
        ("unfreeze", "let releases begin again"),
        ("rollback", "go back to an earlier version through Airflow, and pin the surface to it"),
    ):
        options = command(name, text)
        options.add_argument("surface", help="which shelf, for example home")
        if name == "rollback":
            options.add_argument("--version", type=int, help="where to go (default: what served before)")
        if not name.startswith("un"):
            options.add_argument("--why", default="", help="the reason; everybody sees it")
        if name in ("pin", "freeze"):
            options.add_argument("--until", default="", help="2026-11-30 or 2026-11-30T07:00 in UTC (default: until taken off)")
        _careful(options)
    accept = command("accept", "take the events of a quarantined night as they are: they count from then on")
    accept.add_argument("night", help="the night, YYYY-MM-DD")
    accept.add_argument("--why", "--reason", default="", help="the reason; it is kept with your name")
    _careful(accept)
    tidy = command("tidy", "delete what nothing in use names: old answers, partitions and models, loose bytes, old run folders")
    tidy.add_argument("--keep-nights", type=int, help="nights of partitions and models to keep (default 90)")
    tidy.add_argument("--keep-days", type=int, help="days to keep answers after they have matured (default 90)")
    _careful(tidy)


def _careful(options: argparse.ArgumentParser) -> None:
    options.add_argument("--dry-run", action="store_true", help="say what would happen, and do nothing")
    options.add_argument("--yes", action="store_true", help="do not ask")
