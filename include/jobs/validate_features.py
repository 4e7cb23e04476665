"""Check the features that this run has computed, before they become visible."""

import sys
from typing import Any

from include.jobs.frame import main
from include.jobs.night_range import NightRangeJob


class ValidateFeatures(NightRangeJob):
    """Refuse computed nights whose keys, counters or sums are wrong. Nights that were left alone are not looked at again."""

    def run(self) -> dict[str, Any]:
        from include.quality.expectations import judge
        from include.quality.feature_checks import feature_checks
        from include.quality.feature_profile import feature_profile
        from include.quality.outcome import subject_of
        from include.quality.report import tell

        asked, folder, store = self.nights(), self.work / "features", self.open_store()
        profile = list(feature_profile(store, folder))
        judged = judge("features", profile, feature_checks(), subject_of(folder))
        judged.outcome.write(self.work)
        return tell(store, asked, profile, judged.outcome, judged.results)


if __name__ == "__main__":
    sys.exit(main(ValidateFeatures))
