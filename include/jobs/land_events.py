"""Land raw events, the catalogue and the promotion plans of a range of nights."""

import shutil
import sys
from typing import Any

from include.jobs.frame import main
from include.jobs.night_range import NightRangeJob


class LandEvents(NightRangeJob):
    """Bring the nights first to last from the source into the store, raw; nights that are there already are left alone."""

    def run(self) -> dict[str, Any]:
        from include.features.reads import pins
        from include.sources.landing import Landing
        from include.sources.opening import open_source

        source = open_source(self.source)
        asked = self.nights_within(source)
        folder = self.work / "landing"
        shutil.rmtree(folder, ignore_errors=True)
        landing = Landing(self.open_store(), source, folder, pins())
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
        }


if __name__ == "__main__":
    sys.exit(main(LandEvents))
