"""Train one suggestion of a search, and measure it on the validation weeks as the gates measure a candidate."""

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from pydantic import Field

from include.canonical import digest
from include.errors import Refused
from include.evaluation import intervals
from include.evaluation.gate_measures import answered, measure_model
from include.evaluation.gate_weeks import GateWeek
from include.evaluation.gates import METRIC
from include.jobs.frame import log, main
from include.jobs.train_model import FITS
from include.models.model import Model
from include.models.tables import ProductTable
from include.recipes.recipe import Recipe
from include.recipes.space import with_values
from include.training.checkpoint import Checkpoint
from include.training.examples import ExampleFile
from include.training.loop import Run
from include.training.windows import Windows
from include.tuning.job import TuningJob
from include.tuning.rounds import left
from include.tuning.search import Trial, Values


class OutOfTime(Exception):
    """The budget of the search is spent."""


class Limited(Checkpoint):
    """A checkpoint that ends the training when its time is over."""

    until: float

    def save(self, state: Mapping[str, tf.Variable], losses: list[float], at_once: bool = False) -> None:
        super().save(state, losses, at_once)
        if time.monotonic() > self.until:
            raise OutOfTime


class RunTrial(TuningJob):
    """Result: the trial as it ended, {number, values, state, value, low, high, answers, seconds, reason}.

    A trial that has ended is not repeated; one that was killed goes on from <work>/trials/<number>.npz.
    """

    number: int = Field(ge=0, lt=1000)
    values: Values

    def run(self) -> dict[str, Any]:
        study = self.study()
        ended = study.trial(self.number)
        if ended is None:
            ended = study.tell(self._try(left(self.search, study.before())))
            self._checkpoint.unlink(missing_ok=True)
        log.info("trial %d %s: %s %s", ended.number, ended.values, ended.state, ended.value)
        return ended.model_dump(mode="json")

    def _try(self, seconds: float) -> Trial:
        """Train within so many seconds, and measure. A training that fails for its values is told, not raised."""
        began = time.monotonic()
        recipe = with_values(self.search.get_recipe(), self.values)
        cut = Windows.model_validate(self.assembled()["windows"])
        given = [self.space.parts(night) for night in cut.train], [self.space.products(night) for night in cut.train]
        weeks = [GateWeek(night, cut.week(night), self.space.examples(night), self.space.products(night)) for night in cut.gate]
        found: dict[str, Any] = {"number": self.number, "values": self.values}
        try:
            values = self._measured(recipe, given, weeks, began + seconds)
            interval = intervals.mean(answered(recipe, weeks).household, values).model_dump(include={"value", "low", "high"})
            found |= interval | {"state": "done", "answers": self._keep(values)}
        except OutOfTime:
            found |= {"state": "out of time", "reason": f"the search's {self.minutes:g} minutes were over"}
        except (Refused, tf.errors.ResourceExhaustedError, MemoryError) as error:
            found |= {"state": "failed", "reason": f"{type(error).__name__}: {error}"[:300]}
        return Trial.model_validate(found | {"seconds": round(time.monotonic() - began, 3)})

    def _measured(
        self, recipe: Recipe, given: tuple[list[ExampleFile], list[ProductTable]], weeks: list[GateWeek], until: float
    ) -> np.ndarray:
        """NDCG@10 of every answer."""
        if time.monotonic() >= until:
            raise OutOfTime
        about = self.assembled()
        key = digest({"recipe": recipe.model_dump(mode="json"), "inputs": about, "tensorflow": tf.__version__})
        limited = Limited(self._checkpoint, key)
        limited.until = until
        found = FITS[recipe.model](recipe, *given, Run(limited))
        model = Model(recipe, found.vocabulary, found.arrays, about["widths"], about["spec"])
        return measure_model(model, weeks).values[METRIC]

    def _keep(self, values: np.ndarray) -> str:
        """The digest of an object with the value of every answer, for paired differences."""
        path = self._checkpoint.with_suffix(".values.npy")
        np.save(path, np.asarray(values, np.float64), allow_pickle=False)
        return self.open_store().put(path)

    @property
    def _checkpoint(self) -> Path:
        return self.space.folder("trials") / f"{self.number}.npz"


if __name__ == "__main__":
    sys.exit(main(RunTrial))
