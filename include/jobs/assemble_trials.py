"""Assemble what a search trains and judges its trials on: as assemble_examples, on the night when the gate weeks begin."""

import sys
from typing import Any

from include.jobs.assemble_examples import AssembleExamples
from include.jobs.frame import main
from include.tuning.job import TuningJob


class AssembleTrials(TuningJob):
    """Result: as of assemble_examples; its gate nights are the search's validation nights. Refuses a recipe without a space."""

    def run(self) -> dict[str, Any]:
        search = self.search
        assert search.space
        fields = {name: getattr(self, name) for name in ("store", "source", "surface", "recipe", "work")}
        return AssembleExamples(**fields, night=search.judged_from, full=True).run()


if __name__ == "__main__":
    sys.exit(main(AssembleTrials))
