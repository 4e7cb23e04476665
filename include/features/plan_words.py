"""A plan of nights as a person reads it: spans instead of nights, counts, and the reasons."""

import datetime as dt
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from include.features.night_plan import PERHAPS, REFUSED, RUN, SKIP, NightPlan, Step
from include.words import counted

STEPS = ("land", "validate", "compute", "publish")


@dataclass(frozen=True)
class Span:
    """Consecutive nights with one lot. `steps` are those of the first night, without what only that night says."""

    first: dt.date
    last: dt.date
    nights: int
    steps: dict[str, Step]

    @property
    def dates(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first} to {self.last}"

    @property
    def why(self) -> str:
        """The reasons of what is done or refused, the same reason once; of a span that is left alone, that it is unchanged."""
        told = {name: step for name, step in self.steps.items() if name in ("land", "compute") and step.does != SKIP}
        return ". ".join(f"{name}: {step.why}" for name, step in told.items()) or self.steps["compute"].why

    def json(self) -> dict[str, Any]:
        """As --json and the job's result give it."""
        does = {name: step.does for name, step in self.steps.items()}
        return {"first": str(self.first), "last": str(self.last), "nights": self.nights, **does, "why": self.why}


def fold(plans: Sequence[NightPlan]) -> list[Span]:
    """Consecutive nights with the same steps and the same kind of reason as one span."""
    spans = []
    for _, group in itertools.groupby(plans, key=lambda plan: {name: _kind(getattr(plan, name)) for name in STEPS}):
        nights = list(group)
        steps = {name: _common([getattr(plan, name) for plan in nights]) for name in STEPS}
        spans.append(Span(nights[0].night, nights[-1].night, len(nights), steps))
    return spans


def count(plans: Sequence[NightPlan]) -> dict[str, dict[str, int]]:
    """Nights by step and by what it does."""
    lots = (RUN, PERHAPS, SKIP, REFUSED)
    found = {name: [getattr(plan, name).does for plan in plans] for name in STEPS}
    return {name: {does: lot.count(does) for does in lots if does in lot} for name, lot in found.items()}


def sentence(plans: Sequence[NightPlan]) -> str:
    """The whole plan in one line."""
    counts = count(plans)["compute"]
    said = [
        f"{counts[does]} {words}"
        for does, words in (
            (RUN, "built"),
            (PERHAPS, "built only if the bytes that land differ"),
            (SKIP, "left alone"),
            (REFUSED, "refused"),
        )
        if does in counts
    ]
    return f"Of {counted(len(plans), 'night')} " + ", ".join(said)


def _kind(step: Step) -> tuple[str, str]:
    return step.does, _general(step.why)


def _general(why: str) -> str:
    return re.sub(r" from \S+ to [^\s;]+", "", why)


def _common(steps: Sequence[Step]) -> Step:
    same = all(step.why == steps[0].why for step in steps)
    return steps[0] if same else Step(steps[0].does, _general(steps[0].why))
