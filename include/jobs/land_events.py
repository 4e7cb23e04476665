"""Land raw events, the catalogue, the promotion plans and what else a source has, of a range of nights."""

import datetime as dt
import shutil
import sys
from typing import Any

from pydantic import Field

from include.jobs.frame import main
from include.jobs.night_range import NightRangeJob
from include.settings import Settings
from include.store.objects import Store

MOST = 20
"""Days that the result names at most: it goes through Airflow's database."""


class LandEvents(NightRangeJob):
    """Bring the nights first to last from the source into the store, raw; nights that are there already are left alone.

    A business day of which more than `late_share` came late after all asks to be reopened: the result's `reopen` has the
    worst such days with their shares.
    """

    late_share: float = Field(default_factory=lambda: Settings.load().late_share)

    def run(self) -> dict[str, Any]:
        from include.features.reads import pins
        from include.sources.landing import Landing
        from include.sources.opening import open_source

        source = open_source(self.source)
        asked = self.nights_within(source)
        folder = self.work / "landing"
        shutil.rmtree(folder, ignore_errors=True)
        store = self.open_store()
        landing = Landing(store, source, folder, pins())
        landing.land(asked)
        shutil.rmtree(folder, ignore_errors=True)
        return {
            "first": str(asked[0]),
            "last": str(asked[-1]),
            "nights": len(asked),
            "landed": dict(landing.landed),
            "unchanged": {name: count for name, count in landing.unchanged.items() if count},
            "rows": dict(landing.rows),
            **({"unread": landing.unread} if landing.unread else {}),
            **self._late(store, landing.late),
        }

    def _late(self, store: Store, late: dict[dt.date, dict[str, int]]) -> dict[str, Any]:
        from include.sources.late import late_shares

        if not late:
            return {}
        shares = late_shares(store, {day for lines in late.values() for day in lines}, max(late))
        over = sorted((day for day, share in shares.items() if share > self.late_share), key=lambda day: -shares[day])
        counted = {"lines": sum(sum(lines.values()) for lines in late.values()), "nights": len(late), "days": len(shares)}
        return {"late": counted, "reopen": {day: round(shares[day], 4) for day in over[:MOST]}}


if __name__ == "__main__":
    sys.exit(main(LandEvents))
