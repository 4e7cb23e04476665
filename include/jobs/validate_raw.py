"""Check the raw events of a range of nights before anything is computed from them."""

import sys
from typing import Any

from include.jobs.frame import main
from include.jobs.night_range import NightRangeJob


class ValidateRaw(NightRangeJob):
    """Refuse nights whose raw events cannot be trusted; report what is odd but harmless."""

    def run(self) -> dict[str, Any]:
        from include.quality.expectations import judge
        from include.quality.raw_checks import raw_checks
        from include.quality.raw_profile import raw_profile
        from include.quality.report import summary
        from include.sources.opening import open_source

        source = open_source(self.source)
        asked = self.nights_within(source)
        closed = frozenset(night for night in asked if source.closed(night))
        profile = list(raw_profile(self.open_store(), asked, closed, source.usual))
        missing, wrong = (_named(profile, key) for key in ("names_missing", "names_wrong"))
        outcome = judge("raw", profile, raw_checks(missing, wrong, source.usual))
        outcome.write(self.work)
        return summary(asked, profile, outcome)


def _named(profile: list[dict[str, Any]], key: str) -> list[str]:
    return sorted({name for row in profile for name in row[key].split(", ") if name})


if __name__ == "__main__":
    sys.exit(main(ValidateRaw))
