"""Make the nights that this run has built and validated visible in the store."""

import logging
import sys
import time
from typing import Any

from include.jobs.frame import main, progress
from include.jobs.night_range import NightRangeJob

log = logging.getLogger("nightfill")


class PublishFeatures(NightRangeJob):
    """Publish what build_features of this run left. Publishing the same nights again changes no byte.

    The result's `state` is "published", "unchanged" (nothing was built) or "superseded" (another run was first), with `reason`.
    """

    def run(self) -> dict[str, Any]:
        from include.features.chain import read_night
        from include.features.publish import publish_build
        from include.features.tables import DATASETS
        from include.quality.outcome import require_passed

        store, asked, folder, since = self.open_store(), self.nights(), self.work / "features", time.time()

        def tell(done: int, total: int) -> None:
            if done % 50 == 0:
                progress(done, total, "nights published", since)

        require_passed(self.work, "features", folder)
        ended = publish_build(store, folder, tell)
        log.info("%s: %s", ended.state, ended.reason)
        nights = [read_night(store, night) for night in asked]
        rows = {dataset: sum(night.parts[dataset].rows for night in nights) for dataset in DATASETS}
        return {
            "first": str(asked[0]),
            "last": str(asked[-1]),
            "digest": nights[-1].complete.digest,
            "state": ended.state,
            "reason": ended.reason,
            "published": ended.nights,
            "changed": ended.changed,
            "rows": rows,
        }


if __name__ == "__main__":
    sys.exit(main(PublishFeatures))
