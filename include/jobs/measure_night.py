"""Measure every model that has answered, against popularity and habit, with intervals."""

import datetime as dt
import logging
import sys
from pathlib import Path
from typing import Any

from pydantic import Field

from include import recipes
from include.canonical import dumps
from include.jobs.frame import Job, main
from include.nights import parse

log = logging.getLogger("nightfill")


def measures_key(surface: str, night: dt.date) -> str:
    return f"measures/{surface}/{night.isoformat()}/measures.json"


class MeasureNight(Job):
    """Measure what `judged_<surface>` holds by the end of `night`; the result has the regression alarm.

    Writes measures/<surface>/<night>/measures.json in the store and <work>/measures.json.

    Args:
        window: nights of answers that are looked at, counted back from the night.
    """

    work: Path
    surface: str
    night: str
    window: int = Field(default=35, ge=8, le=400)

    def run(self) -> dict[str, Any]:
        from include.evaluation.alarm import alarm
        from include.evaluation.measures import by_night, serving
        from include.rollout import registry

        recipes.require(self.surface)
        now, store = parse(self.night), self.open_store()
        judged = self._judged(now)
        served = serving(judged)
        measures = {
            "format": 1,
            "surface": self.surface,
            "night": self.night,
            "nights": by_night(judged),
            "serving": served,
            "versions": {entry["name"]: entry["version"] for entry in registry.versions(store, self.surface)},
            **alarm(judged, served),
        }
        data = dumps(measures)
        store.write(measures_key(self.surface, now), data)
        self.work.mkdir(parents=True, exist_ok=True)
        (self.work / "measures.json").write_bytes(data)
        log.info("%s: %s", "ALARM" if measures["alarm"] else "No alarm", measures["reason"])
        return self._summary(measures)

    def _judged(self, now: dt.date) -> Any:
        import pyarrow.compute as pc

        from include.evaluation.judged import read_judged, universe_sizes
        from include.evaluation.measures import Judged

        table = read_judged(self.open_store(), self.surface, now)
        table = table.filter(pc.greater(table["night"], now - dt.timedelta(days=self.window)))
        return Judged(table, universe_sizes(self.open_store(), self.surface, now))

    def _summary(self, measures: dict[str, Any]) -> dict[str, Any]:
        served = measures["serving"] or {}
        return {
            "night": self.night,
            "surface": self.surface,
            "alarm": measures["alarm"],
            "reason": measures["reason"],
            "nights": [entry["night"] for entry in measures["nights"]],
            "model": served.get("model", ""),
            "metrics": served.get("figures"),
            "baselines": served.get("rivals", {}),
            "against": served.get("against", {}),
        }


if __name__ == "__main__":
    sys.exit(main(MeasureNight))
