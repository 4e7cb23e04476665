"""Check the raw events of a range of nights before anything is computed from them."""

import sys
from typing import Any

from include.jobs.frame import main
from include.jobs.night_range import NightRangeJob


class ValidateRaw(NightRangeJob):
    """Set aside nights whose raw events cannot be trusted, refuse what cannot be read, report what is odd but harmless.

    A quarantined night goes on without its lines; its reasons are in the result's `quarantined`.
    """

    def run(self) -> dict[str, Any]:
        from include.quality.bad_rows import write_bad_rows
        from include.quality.expectations import judge
        from include.quality.raw_checks import raw_checks
        from include.quality.raw_nights import RawNights
        from include.quality.report import tell
        from include.quality.settle import settle
        from include.sources.opening import open_source

        source, store = open_source(self.source), self.open_store()
        asked = self.nights_within(source)
        nights = RawNights(store, source.usual, source.closed)
        profile = list(nights.compared(asked, raw_checks(usual=source.usual)))
        missing, wrong = (sorted({name for row in profile for name in row["names"][kind]}) for kind in ("missing", "wrong"))
        judged = judge("raw", profile, raw_checks(missing, wrong, source.usual))
        outcome = judged.outcome.accepting({str(night): str(record["reason"]) for night, record in nights.accepted.items()})
        outcome.write(self.work)
        write_bad_rows(self.work, outcome.findings, nights.lines)
        told = tell(store, asked, profile, outcome, judged.results)
        quarantined = outcome.quarantined()
        late = {str(night): ["accepted"] for night, record in nights.accepted.items() if record["into"] != str(night)}
        settle(store, nights.profiles, quarantined | late, self.work)
        return told | {"quarantined": dict(list(quarantined.items())[:5]), "nights_quarantined": len(quarantined)}


if __name__ == "__main__":
    sys.exit(main(ValidateRaw))
