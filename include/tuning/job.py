"""What the jobs of one search have in common: what was asked, the folder they share, and the study in the store."""

import datetime as dt
from pathlib import Path
from typing import Any

from pydantic import Field

from include.canonical import digest
from include.jobs.frame import Job
from include.training.workspace import Workspace
from include.tuning.search import MOST, Search, Way
from include.tuning.study import Study


class TuningJob(Job):
    """Fields: surface, recipe (its name), night (whose model the search is for), way, trials, minutes, work."""

    surface: str
    recipe: str
    night: dt.date
    way: Way = Way.BAYES
    trials: int = Field(default=16, ge=2, le=MOST)
    minutes: float = Field(default=30, gt=0, le=24 * 60, allow_inf_nan=False)
    work: Path

    @property
    def search(self) -> Search:
        return Search.model_validate({name: getattr(self, name) for name in Search.model_fields})

    @property
    def space(self) -> Workspace:
        return Workspace(self.work)

    def assembled(self) -> dict[str, Any]:
        return self.space.read_json("assembled.json", "assemble_trials")

    def study(self) -> Study:
        search = self.search
        return Study(self.open_store(), search.key(digest(self.assembled())))
