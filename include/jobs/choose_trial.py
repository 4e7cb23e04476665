"""End a search: a table of its trials, and the best values kept, so that a training can ask for them."""

import sys
from typing import Any

import numpy as np

from include.errors import Refused
from include.evaluation import intervals
from include.evaluation.gate_measures import answered
from include.evaluation.gate_weeks import GateWeek
from include.jobs.frame import log, main
from include.training.windows import Windows
from include.tuning.chosen import Chosen, keep
from include.tuning.job import TuningJob
from include.tuning.rounds import left
from include.tuning.search import Trial, best
from include.tuning.table import table


class ChooseTrial(TuningJob):
    """Result: {surface, recipe, night, study, trials by state, best, own, gain, judged, seconds_left, table}.

    `gain` is the paired difference in NDCG@10 of the best trial to the recipe as it is, by household, on the validation weeks:
    the best of many looks better than it is, so the gates of the training that uses it have the last word.
    """

    def run(self) -> dict[str, Any]:
        study, search = self.study(), self.search
        trials = study.before()
        top, first = best(trials), study.trial(0)
        text = table(trials, list(search.space))
        (self.work / "trials.md").write_text(text)
        log.info("trials of %s\n%s", study.key, text)
        if top is None or top.value is None:
            said = "; ".join(sorted({trial.reason for trial in trials if trial.reason})) or "there was none"
            raise Refused(f"No trial ended well: {said}", "Give the search more minutes, or another space")
        gain = self._gain(top, first) if first else None
        chosen = Chosen(recipe=search.get_recipe().digest, study=study.key, values=top.values, value=top.value, gain=gain)
        keep(study.store, self.surface, self.recipe, self.night, chosen)
        states = [trial.state for trial in trials]
        return {
            "surface": self.surface,
            "recipe": self.recipe,
            "night": str(self.night),
            "study": study.key,
            "trials": {state: states.count(state) for state in sorted(set(states))},
            "best": top.model_dump(mode="json", exclude={"answers"}),
            "own": first.model_dump(mode="json", exclude={"answers"}) if first else None,
            "gain": gain,
            "judged": [str(night) for night in self._windows().gate],
            "seconds_left": round(left(search, trials), 1),
            "table": text,
        }

    def _windows(self) -> Windows:
        return Windows.model_validate(self.assembled()["windows"])

    def _gain(self, top: Trial, first: Trial) -> dict[str, float] | None:
        if not (top.answers and first.answers):
            return None
        cut, store = self._windows(), self.open_store()
        weeks = [GateWeek(night, cut.week(night), self.space.examples(night), self.space.products(night)) for night in cut.gate]
        asked = answered(self.search.get_recipe(), weeks).household
        mine, theirs = (np.load(store.fetch(one.answers), allow_pickle=False) for one in (top, first))
        return intervals.paired_difference(asked, mine, theirs).rounded()


if __name__ == "__main__":
    sys.exit(main(ChooseTrial))
