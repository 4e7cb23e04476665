"""What a drill of a bad model is: the faults, the forms that they come in, and the release plan that they go through.

A drill spoils a copy of the stable model on purpose and sends it through the surface's release DAG. It is done well when the
release refuses it (before any replayed request) or rolls it back (from shadow on), says what was wrong, and nobody noticed.
"""

import re
from dataclasses import dataclass

from include.errors import Refused
from include.rollout.verdict import Kind

AT_ONCE, DELAYED = "at_once", "delayed"
FORMS = (AT_ONCE, DELAYED)

RUN = "drill__"
"""How the id of a drill's release begins. Its answers are named by it and are judged by nobody but the release."""

WEIGHTS = (50, 100)
PASSES = 4
"""Steps of a drill's ramp, and how often each replays the days: a delayed fault has to come up while there still is a
stable arm to compare with, and a counter in the canary's process begins at 0."""
DAYS = 7
HOUSEHOLDS = 120
"""A drill replays as many days, up to DAYS, as bring so many households."""
FEWEST = 90
"""Under so many households half of them cannot be judged, and a drill would show nothing."""


@dataclass(frozen=True)
class Fault:
    """One way of spoiling a model.

    Args:
        name: what the command calls it.
        words: a pattern that a reason must match to have named it.
        forms: at once, or from some request on that comes after the shadow's last.
    """

    name: str
    words: str
    forms: tuple[str, ...] = (AT_ONCE,)


FAULTS = {
    fault.name: fault
    for fault in (
        Fault("bad_ranking", r"The candidate is worse: NDCG"),
        Fault("nan", r"not finite", FORMS),
        Fault("slow", r"slow answers|stalls|\d ms are allowed|in time", FORMS),
        Fault("corrupt", r"does not have the bytes"),
        Fault("wrong_signature", r"signature"),
        Fault("stale_vocabulary", r"vocabulary is stale"),
        Fault("constant_scores", r"scores of an answer are equal|constant scores", FORMS),
    )
}


@dataclass(frozen=True)
class Drill:
    """One fault in one form."""

    fault: str
    form: str

    @property
    def mark(self) -> str:
        """How a spoilt bundle's manifest says so."""
        return f"{self.fault} {self.form}"

    def named(self, reason: str) -> bool:
        """Whether a reason says what was wrong with this model."""
        return re.search(FAULTS[self.fault].words, reason) is not None


def chosen(fault: str, form: str = "") -> list[Drill]:
    """The drills of one fault, or of `all`; without a form all forms that it has.

    Raises:
        Refused: there is no such fault, or it does not come in that form.
    """
    if fault != "all" and fault not in FAULTS:
        raise Refused(f"There is no drill '{fault[:60]}'", f"Choose one of {', '.join(FAULTS)}, or all")
    if form and form not in FORMS:
        raise Refused(f"There is no form '{form[:60]}' of a drill", f"Choose one of {', '.join(FORMS)}")
    kept = [FAULTS[fault]] if fault != "all" else list(FAULTS.values())
    found = [Drill(one.name, known) for one in kept for known in one.forms if form in ("", known)]
    if not found:
        has = ", ".join(FAULTS[fault].forms)
        raise Refused(f"The drill {fault} does not come {form}", f"Leave the form out, or choose {has}")
    return found


def caught(kind: Kind | None, where: str) -> bool:
    """Whether a release's verdict keeps a spoilt model away: refused in the check, or rolled back from shadow on."""
    return kind is (Kind.REFUSE if where == "check" else Kind.ROLL_BACK)
