"""Which nights are trained on and which are judged on, for a model of night n.

    gate nights    n - 7, n - 14, ... n - 7 g                  their labels end at n at the latest: all matured
    train nights   n - 7 (g + 1), ... n - 7 (g + t)            their labels end at the first gate night at the latest

A gate night's answers use what was known at its end, so no label of training is later than any gate's question.
"""

import datetime as dt
from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator

from include.errors import Refused
from include.evaluation.horizon import matures

WEEK = dt.timedelta(days=7)


class Windows(BaseModel):
    """Nights in order of time; every label window is the seven days after its night, and mature by the model's night.

    Raises:
        Refused: labels of a night are not mature.
    """

    model_config = ConfigDict(frozen=True)

    night: dt.date
    train: tuple[dt.date, ...]
    gate: tuple[dt.date, ...]

    @model_validator(mode="after")
    def _mature(self) -> Self:
        for night in (*self.train, *self.gate):
            if (self.night - night).days % 7 or matures(night) > self.night:
                raise Refused(
                    f"The labels of night {night} are mature at the end of {matures(night)}, which a model of night "
                    f"{self.night} cannot learn from",
                    "Choose nights that lie whole weeks before the model's",
                )
        return self

    @property
    def nights(self) -> tuple[dt.date, ...]:
        """All nights that product tables are needed for, the model's own last."""
        return (*self.train, *self.gate, self.night)

    def week(self, night: dt.date) -> int:
        """Number of the week that ends on a night: 0 for the model's own, negative before."""
        return (night - self.night).days // 7


def windows(night: dt.date, first: dt.date, train_weeks: int, gate_weeks: int) -> Windows:
    """Cut the calendar. Early in the data there are fewer training weeks than asked for; every one has a week of past.

    Raises:
        Refused: there is no room for one training week and one gate week.
    """
    gate = [night - WEEK * i for i in range(gate_weeks, 0, -1)]
    last = gate[0] - WEEK
    earliest = first + WEEK
    train = [last - WEEK * i for i in range(train_weeks - 1, -1, -1)]
    train = [day for day in train if day >= earliest]
    if not train:
        raise Refused(
            f"Night {night} has too little past to train on: data begin on {first}, {gate_weeks} weeks are kept for the gates",
            f"Choose a night from {earliest + WEEK * (gate_weeks + 1)} on",
        )
    return Windows(night=night, train=tuple(train), gate=tuple(gate))
