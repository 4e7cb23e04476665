"""Make the nights that this run has built and validated visible in the store."""

import sys
import time
from typing import Any

from include.jobs.frame import main, progress
from include.jobs.night_range import NightRangeJob


class PublishFeatures(NightRangeJob):
    """Publish what build_features of this run left. Publishing the same nights again changes no byte."""

    def run(self) -> dict[str, Any]:
        from include.features.chain import read_night
        from include.features.publish import prepare, publish_night
        from include.features.tables import DATASETS
        from include.quality.outcome import require_passed

        store, asked, folder = self.open_store(), self.nights(), self.work / "features"
        require_passed(self.work, "features", folder)
        ready, since, changed = prepare(store, folder), time.time(), 0
        for done, night in enumerate(ready, start=1):
            changed += publish_night(store, night)
            if done % 50 == 0:
                progress(done, len(ready), "nights published", since)
        nights = [read_night(store, night) for night in asked]
        rows = {dataset: sum(night.parts[dataset].rows for night in nights) for dataset in DATASETS}
        return {
            "first": str(asked[0]),
            "last": str(asked[-1]),
            "digest": nights[-1].complete.digest,
            "published": len(ready),
            "changed": changed,
            "rows": rows,
        }


if __name__ == "__main__":
    sys.exit(main(PublishFeatures))
