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
        from include.quality.outcome import Outcome, subject_of
        from include.quality.report import summary

        asked, folder = self.nights(), self.work / "features"
        profile = list(feature_profile(self.open_store(), folder))
        subject = subject_of(folder)
        nothing = Outcome(stage="features", checks=0, findings=[], subject=subject)
        outcome = judge("features", profile, feature_checks(), subject) if profile else nothing
        outcome.write(self.work)
        return summary(asked, profile, outcome)


if __name__ == "__main__":
    sys.exit(main(ValidateFeatures))
