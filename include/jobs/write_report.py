"""Write the morning report of a night."""

import logging
import sys
import time
from pathlib import Path
from typing import Any

from include import recipes
from include.errors import TryAgain
from include.jobs.frame import Job, main
from include.nights import parse
from include.settings import Settings

log = logging.getLogger("nightfill")


class WriteReport(Job):
    """One self-contained page: reports/<night>/index.html in the store, where Airflow's page reads it, and a copy as
    <settings.reports>/<night>/index.html for a look without a server.

    Args:
        surface: the surface that was measured in this run; the page shows every surface measured for the night.
    """

    work: Path
    surface: str
    night: str

    def run(self) -> dict[str, Any]:
        from include.evaluation.report import render
        from include.evaluation.report_facts import read_facts

        recipes.require(self.surface)
        night, settings, began = parse(self.night), Settings.load(), time.time()
        store = self.open_store()
        facts = read_facts(store, night, self.work, self.source.name, self.source.households)
        page = render(facts)
        store.write(f"reports/{night.isoformat()}/index.html", page.encode())
        path = _write(settings.reports / night.isoformat() / "index.html", page)
        log.info("The morning report is at %s", path)
        return {
            "report": str(path),
            "address": settings.report_address(night),
            "bytes": len(page.encode()),
            "seconds": round(time.time() - began, 2),
        }


def _write(path: Path, page: str) -> Path:
    """By rename: a reader sees the old page or the new one. Raises TryAgain when the disk is full."""
    beside = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(page, encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise TryAgain(f"Could not write {path}: {error.strerror}", "Free some disk space and run it again") from error
    return path


if __name__ == "__main__":
    sys.exit(main(WriteReport))
