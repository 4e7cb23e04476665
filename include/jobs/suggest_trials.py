"""Say what the next round of a search tries, from what its trials so far have told."""

import sys
from typing import Any

from include.jobs.frame import log, main
from include.tuning.chosen import latest
from include.tuning.job import TuningJob
from include.tuning.rounds import left, next_round
from include.tuning.search import DAY, Values, inside


class SuggestTrials(TuningJob):
    """Result: {trials: specs of run_trial for those that have not ended, told, planned, seconds_left}."""

    number: int
    """Which round, from 1 on."""

    def run(self) -> dict[str, Any]:
        study, search = self.study(), self.search
        told = study.before(self.number)
        planned = study.planned(self.number)
        if planned is None:
            planned = study.plan(self.number, next_round(search, search.space, told, self.number, self._last()))
        common = search.model_dump(mode="json")
        due = [one for one in planned if study.trial(one.number) is None]
        log.info("round %d: %d trials, %d of them not ended; %d told", self.number, len(planned), len(due), len(told))
        return {
            "trials": [common | one.model_dump(mode="json") for one in due],
            "told": len(told),
            "planned": len(planned),
            "seconds_left": round(left(search, told), 1),
        }

    def _last(self) -> Values | None:
        """The best values of the last search of an earlier night."""
        found = latest(self.open_store(), self.surface, self.recipe, self.night - DAY)
        if found is None or not inside(self.search.space, self.search.get_recipe(), found[1].values):
            return None
        log.info("starting from what was chosen for night %s: %s", found[0], found[1].values)
        return found[1].values


if __name__ == "__main__":
    sys.exit(main(SuggestTrials))
